"""A heading with an introduction and a way on, for the top of a page or a part of it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from wagtail import blocks

from webstreet.engine import hooks


class HeadingBlock(blocks.StructBlock):
    title = blocks.CharBlock(max_length=160, label=_("Title"))
    text = blocks.TextBlock(required=False, max_length=400, label=_("Text"))
    link = blocks.URLBlock(required=False, label=_("Address"))
    link_text = blocks.CharBlock(required=False, max_length=60, label=_("Words of the link"))

    class Meta:
        icon = "title"
        label = _("Heading with a link")
        template = "header/heading_block.html"


@hooks.register("page_blocks")
def page_blocks() -> list[tuple[str, blocks.Block]]:
    return [("heading", HeadingBlock())]
