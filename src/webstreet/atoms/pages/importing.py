"""Pages from elsewhere. The key is source and external id; what an editor changed since the last import stays as it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.utils.text import slugify
from wagtail.models import Page

from webstreet.atoms.pages.models import StandardPage
from webstreet.engine import site as this_site
from webstreet.engine.imports import pages
from webstreet.engine.imports.origin import Origin

if TYPE_CHECKING:
    from webstreet.engine.imports import ImportContext, PageRecord

KIND = "pages"
ORIGIN = "page"


def take(records: Iterable[PageRecord], ctx: ImportContext) -> None:
    """Make or change one page for each record, below the home page; tell ``ctx`` which it was."""
    home = pages.in_language(this_site.home_page().specific, ctx.language)
    for record in records:
        origin = Origin.objects.filter(source=ctx.source, kind=ORIGIN, external_id=record.external_id).first()
        page = StandardPage.objects.filter(pk=origin.object_id).first() if origin else None
        if page is None:
            page = _make(record, ctx, home)
            ctx.created(KIND)
        elif origin is not None and (origin.state != state_of(page) or origin.digest == digest_of(record)):
            ctx.unchanged(KIND)
            ctx.taken(record.external_id, page.pk)
            continue
        else:
            _fill(page, record)
            page.save()
            ctx.updated(KIND)
        _remember(page, record, ctx.source)
        ctx.taken(record.external_id, page.pk)


def digest_of(record: PageRecord) -> str:
    """What the source says of the page, so that the same again changes nothing."""
    return pages.digest([record.title, record.published, record.blocks, record.slug, record.go_live_at])


def state_of(page: StandardPage) -> str:
    """What an editor could have changed, except where the page stands."""
    body = pages.body_state(page.body)
    return pages.digest([page.title, page.slug, body, page.live, page.show_in_menus, page.has_unpublished_changes])


def _make(record: PageRecord, ctx: ImportContext, home: Page) -> StandardPage:
    # In the menu is what the source's own menu names, which is imported by itself.
    page = StandardPage(locale=home.locale, show_in_menus=False)
    _fill(page, record)
    pages.give_slug(page, slugify(record.slug or record.title) or "page", record, home, ctx)
    home.add_child(instance=page)
    return page


def _fill(page: StandardPage, record: PageRecord) -> None:
    page.title = page.draft_title = pages.title_of(record)
    page.live = record.published
    page.has_unpublished_changes = not page.live
    page.go_live_at = record.go_live_at
    page.body = pages.raw_body(record)  # type: ignore[assignment]


def _remember(page: StandardPage, record: PageRecord, source: str) -> None:
    """What was imported, and what came of it."""
    pages.keep_revision(page, record.go_live_at)
    stored = StandardPage.objects.get(pk=page.pk)
    Origin.objects.update_or_create(
        source=source,
        kind=ORIGIN,
        external_id=record.external_id,
        defaults={"object_id": page.pk, "digest": digest_of(record), "state": state_of(stored)},
    )
