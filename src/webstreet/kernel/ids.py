"""Names, parsed once at the edge into types.

A slug is a DNS label (RFC 1123): 1 to 40 characters, lower-case letters, digits and single hyphens, no hyphen at either end.
It ends up in host names, Kubernetes object names (63 characters with our suffixes), database names and folder names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from webstreet.kernel.errors import BadInput, Sentence

SLUG_MAX = 40
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
_NOT_SLUG = re.compile(r"[^a-z0-9]+")


class NameInvalid(BadInput):
    """A name is not a slug, or not of the form ``client/site``."""

    code = "name.invalid"


def slug(text: str, *, what: str = "name") -> str:
    """Return ``text`` if it is a slug, else raise `NameInvalid` with a suggestion.

    Args:
        text: the candidate, unchanged by us: we never repair silently.
        what: the noun for the message ("client", "site", "atom").
    """
    if len(text) <= SLUG_MAX and _SLUG.match(text):
        return text
    shown = text if len(text) <= 60 else text[:57] + "..."
    near = nearest_slug(text)
    hint = Sentence.of("near.name", ' Try "{near}".', near=near) if near else ""
    raise NameInvalid(
        Sentence.of(
            "name.invalid",
            '"{given}" cannot be the name of a {what}: use 1 to {most} lower-case letters, digits and single hyphens,'
            " starting and ending with a letter or digit.{hint}",
            given=shown,
            what=what,
            most=SLUG_MAX,
            hint=hint,
        ),
        code=f"{what}.name_invalid",
    )


def nearest_slug(text: str) -> str:
    """The slug that looks most like ``text``; empty if nothing of it can be kept."""
    return _NOT_SLUG.sub("-", text.lower()).strip("-")[:SLUG_MAX].strip("-")


@dataclass(frozen=True, slots=True, order=True)
class SiteId:
    """A site's full name, written ``client/site``."""

    client: str
    site: str

    @classmethod
    def parse(cls, text: str) -> SiteId:
        client, slash, site = text.partition("/")
        if not slash or "/" in site:
            raise NameInvalid(
                f'"{text[:80]}" is not the full name of a site: write CLIENT/SITE, as in acme/blog.',
                code="site.name_invalid",
            )
        return cls(slug(client, what="client"), slug(site, what="site"))

    def __str__(self) -> str:
        return f"{self.client}/{self.site}"
