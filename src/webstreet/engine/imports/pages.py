"""What atoms do alike when they take pages from elsewhere: their title, address, home page, revision and digests."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from wagtail.models import Page

from webstreet.engine.addresses import reserved_slugs

if TYPE_CHECKING:
    from webstreet.engine.imports import ArticleRecord, ImportContext, PageRecord

TITLE_MAX, SLUG_MAX = 255, 80
UNTITLED = "…"
_BLOCK_ID = re.compile(r'"id": "[0-9a-f-]{36}"')


def title_of(record: ArticleRecord | PageRecord) -> str:
    return " ".join(record.title.split())[:TITLE_MAX] or UNTITLED


def raw_body(record: ArticleRecord | PageRecord) -> str:
    """The record's blocks as a StreamField takes them."""
    return json.dumps([{"type": kind, "value": value} for kind, value in record.blocks or ()])


def body_state(body: Any) -> str:
    """A body as text that is the same for the same words: block ids are made on saving, and say nothing of them."""
    return _BLOCK_ID.sub("", json.dumps(body.get_prep_value(), sort_keys=True, ensure_ascii=False))


def digest(parts: Iterable[object]) -> str:
    return hashlib.sha256(json.dumps(list(parts), ensure_ascii=False, default=str).encode()).hexdigest()


def in_language(home: Page, language: str) -> Page:
    """The translation of a home page in the source's language where the site has it, else the page itself."""
    if not language or home.locale.language_code == language:
        return home
    return home.get_translations().filter(locale__language_code=language).first() or home


def give_slug(page: Page, wanted: str, record: ArticleRecord | PageRecord, home: Page, ctx: ImportContext) -> None:
    """The free address below ``home`` that is nearest to ``wanted``, a slug; told where it is not the source's."""
    wanted = wanted[:SLUG_MAX].strip("-")
    if wanted in reserved_slugs():
        wanted += "-1"
    taken = set(home.get_children().filter(slug__startswith=wanted).values_list("slug", flat=True))
    number, page.slug = 1, wanted
    while page.slug in taken:
        number += 1
        page.slug = f"{wanted}-{number}"
    if record.slug and page.slug != record.slug:
        ctx.lost(record.line, f'its address "{record.slug[:SLUG_MAX]}" became "{page.slug}"', record.subject)


def keep_revision(page: Page, go_live_at: dt.datetime | None) -> None:
    """One revision for the editor's history, however often the import is repeated: the last one is written over while nobody has
    edited the page.
    """
    last = page.latest_revision
    ours = last if last is not None and last.user_id is None else None
    # The plain one: an atom's own may keep what is live, which is what is written here, a second time.
    revision = Page.save_revision(
        page, changed=False, clean=False, overwrite_revision=ours, approved_go_live_at=go_live_at
    )
    type(page)._default_manager.filter(pk=page.pk).update(
        live_revision=revision if page.live else None, has_unpublished_changes=not page.live
    )
