"""The body of articles and pages: text, image, quote, code, and the blocks of the site's front-end atoms."""

from __future__ import annotations

import importlib
import importlib.util
from functools import cache
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from wagtail import blocks
from wagtail.fields import StreamField
from wagtail.images.blocks import ImageBlock

from webstreet.engine import hooks

TEXT_FEATURES = [
    "h2", "h3", "h4", "bold", "italic", "strikethrough", "superscript", "subscript", "code", "ol", "ul", "hr", "blockquote", "link",
    "document-link",
]  # fmt: skip


class PictureBlock(blocks.StructBlock):
    image = ImageBlock(label=_("Image"))
    caption = blocks.CharBlock(required=False, max_length=300, label=_("Caption"))
    wide = blocks.BooleanBlock(required=False, label=_("Wider than the text"))

    class Meta:
        icon = "image"
        label = _("Image")
        template = "theme/blocks/image.html"


class QuoteBlock(blocks.StructBlock):
    text = blocks.TextBlock(label=_("Quotation"))
    who = blocks.CharBlock(required=False, max_length=200, label=_("Who said or wrote it"))
    source = blocks.URLBlock(required=False, label=_("Address of the source"))

    class Meta:
        icon = "openquote"
        label = _("Quote")
        template = "theme/blocks/quote.html"


class CodeBlock(blocks.StructBlock):
    code = blocks.TextBlock(label=_("Code"))
    caption = blocks.CharBlock(required=False, max_length=200, label=_("Caption"))

    class Meta:
        icon = "code"
        label = _("Code")
        template = "theme/blocks/code.html"


OWN = ("text", "image", "quote", "code")
"""Block types that mean something outside a page of the site: feeds and mails render only these."""


@cache
def body_blocks() -> tuple[tuple[str, blocks.Block], ...]:
    """Every block an editor may put into a body. The atoms' ``blocks`` modules are imported here, because models come before receivers."""
    for atom in settings.SITE_ATOMS:
        if atom.kind == "front-end" and importlib.util.find_spec(f"{atom.app}.blocks") is not None:
            importlib.import_module(f"{atom.app}.blocks")
    of_atoms = [pair for found in hooks.call("page_blocks") for pair in found]
    return (
        ("text", blocks.RichTextBlock(features=TEXT_FEATURES, label=_("Text"), template="theme/blocks/text.html")),
        ("image", PictureBlock()),
        ("quote", QuoteBlock()),
        ("code", CodeBlock()),
        *of_atoms,
    )


class BodyField(StreamField):
    """A StreamField whose blocks are those of the site. Migrations do not record them: two sites with other atoms share one schema."""

    def __init__(self, block_types: Any = None, **options: Any) -> None:
        options.pop("block_lookup", None)
        super().__init__(block_types or body_blocks(), **{"use_json_field": True, **options})

    def deconstruct(self) -> Any:
        name, path, _args, options = super().deconstruct()
        options.pop("block_lookup", None)
        options.pop("use_json_field", None)
        return name, path, [], options
