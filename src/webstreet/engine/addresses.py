"""Which addresses are the site's own, so that no page may have them, read from the URL configuration itself; and where links may lead."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.urls import URLResolver, get_resolver, reverse
from django.urls.resolvers import LocalePrefixPattern, RegexPattern, RoutePattern
from django.utils.translation import gettext, gettext_lazy

LEADS_TO = r"^(/|https?://|mailto:)"
"""Where a link that an editor or a parameter gives may lead."""

FOR_READERS = "webstreet.engine.public_urls"
"""The addresses without the admin's."""


class AddressField(models.CharField):  # type: ignore[type-arg]
    """Where readers are led to: a path of this site or a whole address. What an archive says there is looked at before it is taken."""

    default_validators = [
        RegexValidator(LEADS_TO, gettext_lazy("A path of this site (/about/), or a whole address (https://…)."))
    ]


def for_readers(name: str, *args: str) -> str:
    """Path of a page or file for readers in the active language. It is what ``reverse`` says, which would load the admin to say it."""
    return reverse(name, args=args, urlconf=FOR_READERS)


@cache
def reserved_slugs() -> frozenset[str]:
    """First parts of the addresses that are not pages, and the languages, also those that the site does not have yet."""
    of_files = {urlsplit(url).path.strip("/") for url in (settings.STATIC_URL, settings.MEDIA_URL)}
    languages = dict(settings.WAGTAILADMIN_PERMITTED_LANGUAGES)
    return frozenset({*_first_parts(get_resolver().url_patterns), *of_files, *languages})


def refuse_reserved(slug: str) -> None:
    """For a page's ``clean``.

    Raises:
        ValidationError: on the field ``slug``.
    """
    if slug in reserved_slugs():
        raise ValidationError({"slug": gettext("This address belongs to the site itself: choose another.")})


def _first_parts(patterns: list[Any]) -> Iterator[str]:
    for entry in patterns:
        fixed = _fixed(entry.pattern)
        if "/" in fixed:
            yield fixed.partition("/")[0]
        elif isinstance(entry, URLResolver) and not fixed:
            yield from _first_parts(entry.url_patterns)


def _fixed(pattern: Any) -> str:
    """What an address of this pattern always begins with."""
    if isinstance(pattern, LocalePrefixPattern):
        return ""
    if isinstance(pattern, RoutePattern):
        return str(pattern).partition("<")[0]
    assert isinstance(pattern, RegexPattern)  # noqa: S101 Django has no fourth kind
    return str(pattern).removeprefix("^").partition("(")[0].replace("\\", "")
