"""Who alone may see a page, read back from an archive. What is not understood lets fewer people in, never more."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from wagtail.models import Page, PageViewRestriction

from webstreet.engine.imports import ImportContext

LOGIN, PASSWORD, GROUPS = PageViewRestriction.LOGIN, PageViewRestriction.PASSWORD, PageViewRestriction.GROUPS


def restrict(page: Page, found: Any, context: ImportContext) -> None:
    """Restrict the page as the archive's row says.

    Args:
        found: a list of {type, password, groups}; groups by name.

    Raises:
        ValueError, KeyError, TypeError: it has another shape.
    """
    if not isinstance(found, list):
        raise TypeError
    for row in found:
        kind, password, names = row["type"], row["password"], row["groups"]
        if not isinstance(password, str) or not all(isinstance(name, str) for name in names):
            raise TypeError
        if kind == GROUPS:
            _to_groups(page, names, context)
        elif kind == PASSWORD and password:
            PageViewRestriction.objects.create(page=page, restriction_type=PASSWORD, password=password)
        else:
            PageViewRestriction.objects.create(page=page, restriction_type=LOGIN)
            if kind != LOGIN:
                context.lost(0, "for whom it is is not known here: whoever can sign in may see it", _subject(page))


def _to_groups(page: Page, names: list[str], context: ImportContext) -> None:
    groups = list(Group.objects.filter(name__in=names))
    PageViewRestriction.objects.create(page=page, restriction_type=GROUPS).groups.set(groups)
    missing = sorted(set(names) - {group.name for group in groups})
    if missing:
        left = "only the other groups" if groups else "only administrators"
        context.lost(0, f"there is no group {', '.join(missing)[:200]} here: {left} may see it", _subject(page))


def _subject(page: Page) -> str:
    return f"page {page.slug}"
