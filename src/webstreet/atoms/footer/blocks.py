"""A small notice, as one finds at the foot of a page: a licence, a correction, a thank-you."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from wagtail import blocks

from webstreet.engine import hooks


class NoticeBlock(blocks.StructBlock):
    text = blocks.RichTextBlock(features=["bold", "italic", "link"], label=_("Text"))

    class Meta:
        icon = "info-circle"
        label = _("Notice")
        template = "footer/notice_block.html"


@hooks.register("page_blocks")
def page_blocks() -> list[tuple[str, blocks.Block]]:
    return [("notice", NoticeBlock())]
