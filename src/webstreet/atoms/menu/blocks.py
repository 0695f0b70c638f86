"""The site's menu inside a page's body."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from wagtail import blocks

from webstreet.engine import hooks


class MenuBlock(blocks.StructBlock):
    title = blocks.CharBlock(required=False, max_length=120, label=_("Title"))

    class Meta:
        icon = "list-ul"
        label = _("Menu of the site")
        template = "menu/menu_block.html"

    def get_context(self, value: Any, parent_context: Any = None) -> dict[str, Any]:
        from webstreet.atoms.menu.entries import entries

        context: dict[str, Any] = super().get_context(value, parent_context=parent_context)
        context["entries"] = entries(context.get("request"))
        return context


@hooks.register("page_blocks")
def page_blocks() -> list[tuple[str, blocks.Block]]:
    return [("menu", MenuBlock())]
