"""Links between pages inside text: one that leads to what not everybody may read loses its address, which would tell of it."""

from __future__ import annotations

from typing import Any

from wagtail.rich_text.pages import PageLinkHandler


class PublicPageLinkHandler(PageLinkHandler):
    """Replaces Wagtail's handler of ``<a linktype="page">``; a page it does not find becomes a link without address."""

    @classmethod
    def get_many(cls, attrs_list: list[dict[str, Any]]) -> list[Any]:
        found = super().get_many(attrs_list)
        return [page if page is not None and _everybodys(page) else None for page in found]


def _everybodys(page: Any) -> bool:
    return bool(page.live and getattr(page, "is_public", True) and not page.get_view_restrictions())
