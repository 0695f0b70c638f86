"""What is in the menu."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.translation import get_language, gettext
from wagtail.models import Locale, Page

from webstreet.atoms.menu.models import MenuLink
from webstreet.engine import hooks
from webstreet.engine import site as this_site
from webstreet.engine.pagecache.memo import remembered


@dataclass(frozen=True, slots=True)
class Entry:
    label: str
    url: str
    current: bool


def entries(request: HttpRequest | None) -> list[Entry]:
    """Home, the editors' links, pages shown in menus, links of the parameters, what atoms offer; each address once."""
    parameters = this_site.parameters("menu")
    found = list(remembered(f"menu:{get_language()}", _pages))
    found += [(link.label, link.url) for link in parameters.links]
    if parameters.show_offered:
        found += [item for offered in hooks.call("menu_items", request) for item in offered]
    here = request.path if request is not None else ""
    unique = {url: label for label, url in reversed(found) if url}
    return [Entry(unique[url], url, url == here) for url in dict.fromkeys(url for _, url in found if url)]


def _pages() -> list[tuple[str, str]]:
    """Home, the editors' links and the pages shown in menus, in the present language."""
    parameters, root = this_site.parameters("menu"), _root()
    found: list[tuple[str, str]] = []
    if parameters.home and root is not None:
        found.append((gettext("Home"), root.get_url() or "/"))
    found += _links()
    if parameters.show_pages and root is not None:
        found += [(p.title, p.get_url() or "") for p in _read_by_everybody(root.get_children().in_menu())]
    return found


def _links() -> list[tuple[str, str]]:
    links = list(MenuLink.objects.filter(locale=Locale.get_active()).order_by("sort_order", "pk"))
    named = Page.objects.filter(pk__in=[link.page_id for link in links if link.page_id])
    pages = {page.pk: page for page in _read_by_everybody(named)}
    found = []
    for link in links:
        if link.url:
            found.append((link.label, link.url))
        elif link.page_id in pages:
            page = pages[link.page_id]
            found.append((link.label or page.title, page.get_url() or ""))
    return found


def _read_by_everybody(pages: Any) -> list[Any]:
    """A page with a visibility of its own is named only when everybody may read it."""
    return [page for page in pages.live().public().specific() if getattr(page, "is_public", True)]


def _root() -> Page | None:
    wagtail_site = this_site.wagtail_site()
    return wagtail_site.root_page.localized if wagtail_site is not None else None
