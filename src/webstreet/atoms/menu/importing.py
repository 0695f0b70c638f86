"""Menu entries from elsewhere. The key is source and external id; what an editor changed since the last import stays as it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from webstreet.atoms.menu.models import LABEL_MAX, MenuLink
from webstreet.engine import site as this_site
from webstreet.engine.imports import pages
from webstreet.engine.imports.origin import Origin

if TYPE_CHECKING:
    from webstreet.engine.imports import ImportContext, MenuRecord

KIND = "menu entries"
ORIGIN = "menu"


def take(records: Iterable[MenuRecord], ctx: ImportContext) -> None:
    """Make or change one link for each record, in the menu of the source's language, in the source's order."""
    locale = pages.in_language(this_site.home_page(), ctx.language).locale
    for record in records:
        origin = Origin.objects.filter(source=ctx.source, kind=ORIGIN, external_id=record.external_id).first()
        link = MenuLink.objects.filter(pk=origin.object_id).first() if origin else None
        if link is None:
            link = MenuLink(locale=locale)
            told = ctx.created
        elif origin is not None and (origin.state != state_of(link) or origin.digest == digest_of(record)):
            ctx.unchanged(KIND)
            continue
        else:
            told = ctx.updated
        _fill(link, record, ctx)
        link.save()
        told(KIND)
        Origin.objects.update_or_create(
            source=ctx.source,
            kind=ORIGIN,
            external_id=record.external_id,
            defaults={"object_id": link.pk, "digest": digest_of(record), "state": state_of(link)},
        )


def digest_of(record: MenuRecord) -> str:
    return pages.digest([record.label, record.page, record.url, record.position])


def state_of(link: MenuLink) -> str:
    """What an editor could have changed."""
    return pages.digest([link.label, link.page_id, link.url, link.sort_order])


def _fill(link: MenuLink, record: MenuRecord, ctx: ImportContext) -> None:
    label = record.label if record.page is not None else record.label or record.url
    if len(label) > LABEL_MAX:
        ctx.lost(record.line, f"its label is longer than {LABEL_MAX} characters and was cut", "a menu's entry")
    link.label, link.page_id = label[:LABEL_MAX].strip(), record.page
    link.url = record.url  # type: ignore[assignment]
    link.sort_order = record.position
