"""Rows without numbers: every reference to an image, a document, a page or another row becomes a name, and back again.

References are found where the models and the blocks say they are; nothing is searched for in text, except the attributes that Wagtail
itself writes into rich text.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import models
from modelcluster.fields import ParentalKey, ParentalManyToManyField
from taggit.models import Tag
from wagtail import blocks
from wagtail.blocks import field_block
from wagtail.documents import get_document_model
from wagtail.fields import RichTextField, StreamField
from wagtail.images import get_image_model
from wagtail.models import Locale, Page

from webstreet.engine.addresses import AddressField
from webstreet.engine.exports import Kind, Row

Rename = Callable[[type[models.Model], Any], Any]
"""Model and number (or name) -> name (or number); None where there is none."""
Judge = Callable[[str], str]
"""A text of an archive -> the text that may be kept. Raises ValueError when it may not."""
NAMES_KEPT = 1_000
"""What a page refers to, the pages beside it refer to as well. A large site has more names than there is room for."""
PAGE_LEAVES = frozenset({
    "pk", "id", "page_ptr", "path", "depth", "numchild", "url_path", "content_type", "owner", "locked", "locked_at", "locked_by",
    "live_revision", "latest_revision", "latest_revision_created_at", "alias_of", "wagtail_admin_comments", "search_title", "search_text",
    "reading_minutes", "comments",
})  # fmt: skip
"""What belongs to one database or one of its users, or is made again on saving."""
ROW_LEAVES = frozenset({"id", "pk", "uploaded_by_user", "collection", "created_by", "user"})
_REFERENCE = re.compile(r"<(?:a|embed)\s[^<>]*>")
_ATTRIBUTE = re.compile(r"""\s(linktype|embedtype|id)="([^"]*)\"""")


@dataclass(frozen=True, slots=True)
class Judges:
    """What is done with texts that reach readers as more than words. An export trusts its own.

    Attributes:
        markup: of rich text. address: of fields that hold an address.
    """

    markup: Judge = str
    address: Judge = str


TRUSTED = Judges()


class Names:
    """Names of rows and back, asked for one at a time and kept for a while."""

    def __init__(self, kinds: list[Kind]) -> None:
        self._keys = {kind.model: kind.key for kind in kinds} | {Locale: "language_code", Tag: "slug"}
        self.of = lru_cache(NAMES_KEPT)(self._of)
        self.find = self._find

    def knows(self, model: type[models.Model]) -> bool:
        return issubclass(model, Page) or model in self._keys

    def _of(self, model: type[models.Model], number: Any) -> str | None:
        if not str(number).isdecimal():
            return None
        if issubclass(model, Page):
            found = Page.objects.filter(pk=number).values_list("translation_key", "locale__language_code").first()
            return f"{found[0]}:{found[1]}" if found else None
        key = self._keys.get(model)
        return (
            None if key is None else _text(model._default_manager.filter(pk=number).values_list(key, flat=True).first())
        )

    def _find(self, model: type[models.Model], name: Any) -> int | None:
        if not isinstance(name, str):
            return None
        if issubclass(model, Page):
            key, _, language = name.partition(":")
            if not re.fullmatch(r"[0-9a-f-]{36}", key):
                return None
            rows = Page.objects.filter(translation_key=key, locale__language_code=language)
        elif model in self._keys:
            rows = model._default_manager.filter(**{self._keys[model]: name})
        else:
            return None
        return rows.values_list("pk", flat=True).first()


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def renamed(
    model: type[models.Model], data: Row, rename: Rename, leave: frozenset[str], judges: Judges = TRUSTED
) -> Row:
    """A row as modelcluster serialises it, with every reference renamed and every text judged; fields of ``leave`` are gone."""
    found: Row = {}
    for name, value in data.items():
        if name in leave:
            continue
        field = model._meta.get_field(name)
        if isinstance(field, models.ForeignObjectRel):
            child = field.related_model
            parents = {f.name for f in child._meta.fields if isinstance(f, ParentalKey)}
            found[name] = [renamed(child, row, rename, ROW_LEAVES | parents, judges) for row in value]
        elif isinstance(field, ParentalManyToManyField | models.ManyToManyField):
            names = [rename(field.related_model, number) for number in value]
            found[name] = [n for n in names if n is not None]
        elif isinstance(field, models.ForeignKey):
            found[name] = None if value is None else rename(field.related_model, value)
        elif isinstance(field, StreamField):
            raw = json.loads(value) if isinstance(value, str) and value else value or []
            found[name] = json.dumps(in_block(field.stream_block, raw, rename, judges), ensure_ascii=False)
        elif isinstance(field, RichTextField):
            found[name] = in_markup(judges.markup(value or ""), rename)
        elif isinstance(field, models.URLField | AddressField):
            found[name] = judges.address(value) if value else value
        else:
            found[name] = value
    return found


def in_block(block: blocks.Block, raw: Any, rename: Rename, judges: Judges = TRUSTED) -> Any:
    """A block's stored value with its references renamed; what has another shape than the block expects stays as it is."""
    if raw is None:
        return None
    if isinstance(block, blocks.StreamBlock) and isinstance(raw, list):
        return [_stream_child(block, child, rename, judges) for child in raw]
    if isinstance(block, blocks.ListBlock) and isinstance(raw, list):
        return [_list_child(block.child_block, child, rename, judges) for child in raw]
    if isinstance(block, blocks.StructBlock) and isinstance(raw, dict):
        children = block.child_blocks
        return {k: in_block(children[k], v, rename, judges) if k in children else v for k, v in raw.items()}
    if isinstance(block, field_block.ChooserBlock):
        return rename(block.model_class, raw)
    if isinstance(block, blocks.RichTextBlock):
        return in_markup(judges.markup(raw), rename)
    if isinstance(block, blocks.URLBlock):
        return judges.address(raw)
    return raw


def _stream_child(block: Any, child: Any, rename: Rename, judges: Judges) -> Any:
    known = isinstance(child, dict) and child.get("type") in block.child_blocks
    if not known:
        return child
    return child | {"value": in_block(block.child_blocks[child["type"]], child.get("value"), rename, judges)}


def _list_child(block: Any, child: Any, rename: Rename, judges: Judges) -> Any:
    if isinstance(child, dict) and child.get("type") == "item":
        return child | {"value": in_block(block, child.get("value"), rename, judges)}
    return in_block(block, child, rename, judges)


def in_markup(markup: str, rename: Rename) -> str:
    """Rich text as Wagtail stores it, with ``id`` of links and images renamed; a reference to nothing loses its number."""
    targets: dict[str, type[models.Model]] = {
        "page": Page,
        "document": get_document_model(),
        "image": get_image_model(),
    }

    def tag(found: re.Match[str]) -> str:
        attributes = dict(_ATTRIBUTE.findall(found[0]))
        model = targets.get(attributes.get("linktype") or attributes.get("embedtype") or "")
        if model is None or "id" not in attributes:
            return found[0]
        new = rename(model, html.unescape(attributes["id"]))
        return found[0].replace(f' id="{attributes["id"]}"', "" if new is None else f' id="{html.escape(str(new))}"', 1)

    return _REFERENCE.sub(tag, markup) if "type=" in markup else markup
