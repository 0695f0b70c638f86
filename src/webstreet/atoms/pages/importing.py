"""Pages from elsewhere. The key is source and external id; what an editor changed since the last import stays as it is."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.utils.text import slugify
from wagtail.models import Page

from webstreet.atoms.pages.models import StandardPage
from webstreet.engine import site as this_site
from webstreet.engine.addresses import reserved_slugs
from webstreet.engine.imports.origin import Origin

if TYPE_CHECKING:
    from webstreet.engine.imports import ImportContext, PageRecord

KIND = "pages"
ORIGIN = "page"
TITLE_MAX, SLUG_MAX = 255, 80


def take(records: Iterable[PageRecord], ctx: ImportContext) -> None:
    """Make or change one page for each record, below the home page; tell ``ctx`` which it was."""
    home = _home(ctx.language)
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
    when = record.go_live_at.isoformat() if record.go_live_at else ""
    return _digest([record.title, record.published, record.blocks, record.slug, record.in_menu, when])


def state_of(page: StandardPage) -> str:
    """What an editor could have changed, except where the page stands."""
    body = re.sub(r'"id": "[0-9a-f-]{36}"', "", json.dumps(page.body.get_prep_value(), sort_keys=True))
    return _digest([page.title, page.slug, body, page.live, page.show_in_menus, page.has_unpublished_changes])


def _make(record: PageRecord, ctx: ImportContext, home: Page) -> StandardPage:
    page = StandardPage(locale=home.locale)
    _fill(page, record)
    wanted = slugify(record.slug or record.title)[:SLUG_MAX].strip("-") or "page"
    if wanted in reserved_slugs():
        wanted += "-1"
    taken = set(home.get_children().filter(slug__startswith=wanted).values_list("slug", flat=True))
    number, page.slug = 1, wanted
    while page.slug in taken:
        number += 1
        page.slug = f"{wanted}-{number}"
    if record.slug and page.slug != record.slug:
        ctx.lost(record.line, f'its address "{record.slug[:SLUG_MAX]}" became "{page.slug}"', page.title)
    home.add_child(instance=page)
    return page


def _fill(page: StandardPage, record: PageRecord) -> None:
    page.title = page.draft_title = " ".join(record.title.split())[:TITLE_MAX] or "…"
    page.live = record.published
    page.has_unpublished_changes = not page.live
    page.show_in_menus = record.in_menu
    page.go_live_at = record.go_live_at
    page.body = json.dumps([{"type": kind, "value": value} for kind, value in record.blocks])  # type: ignore[assignment]


def _remember(page: StandardPage, record: PageRecord, source: str) -> None:
    """One revision for the editor's history, then what was imported and what came of it."""
    last = page.latest_revision
    ours = last if last is not None and last.user_id is None else None
    revision = page.save_revision(
        changed=False, clean=False, overwrite_revision=ours, approved_go_live_at=record.go_live_at
    )
    StandardPage.objects.filter(pk=page.pk).update(
        live_revision=revision if page.live else None, has_unpublished_changes=not page.live
    )
    stored = StandardPage.objects.get(pk=page.pk)
    Origin.objects.update_or_create(
        source=source,
        kind=ORIGIN,
        external_id=record.external_id,
        defaults={"object_id": page.pk, "digest": digest_of(record), "state": state_of(stored)},
    )


def _home(language: str) -> Page:
    root = this_site.home_page().specific
    if not language or root.locale.language_code == language:
        return root
    return root.get_translations().filter(locale__language_code=language).first() or root


def _digest(parts: list[object]) -> str:
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()
