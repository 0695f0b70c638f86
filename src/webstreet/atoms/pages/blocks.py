"""A block that other bodies may hold: links to pages, with their titles."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from wagtail import blocks
from wagtail.models import Page

from webstreet.engine import hooks


class PageLinksBlock(blocks.StructBlock):
    """Points to pages of this site; a page that is not live or not public is left out when it is shown."""

    title = blocks.CharBlock(required=False, max_length=120, label=_("Title"))
    pages = blocks.ListBlock(blocks.PageChooserBlock(label=_("Page")), min_num=1, max_num=12, label=_("Pages"))

    class Meta:
        icon = "doc-empty"
        label = _("Links to pages")
        template = "pages/blocks/links.html"

    def get_context(self, value: Any, parent_context: Any = None) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(value, parent_context=parent_context)
        keys = [page.pk for page in value["pages"] if page is not None]
        public = {
            p.pk: p
            for p in Page.objects.filter(pk__in=keys).live().public().specific()
            if getattr(p, "is_public", True)
        }
        context["pages"] = [public[key] for key in keys if key in public]
        return context


@hooks.register("page_blocks")
def page_blocks() -> list[tuple[str, blocks.Block]]:
    return [("page_links", PageLinksBlock())]
