"""What is in the menu."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.translation import get_language, gettext
from wagtail.models import Page

from webstreet.engine import hooks
from webstreet.engine import site as this_site
from webstreet.engine.pagecache.memo import remembered


@dataclass(frozen=True, slots=True)
class Entry:
    label: str
    url: str
    current: bool


def entries(request: HttpRequest | None) -> list[Entry]:
    """Home, pages shown in menus, links of the parameters, what atoms offer; each address once."""
    parameters = this_site.parameters("menu")
    found = list(remembered(f"menu:{get_language()}", _pages))
    found += [(link.label, link.url) for link in parameters.links]
    if parameters.show_offered:
        found += [item for offered in hooks.call("menu_items", request) for item in offered]
    here = request.path if request is not None else ""
    unique = {url: label for label, url in reversed(found) if url}
    return [Entry(unique[url], url, url == here) for url in dict.fromkeys(url for _, url in found if url)]


def _pages() -> list[tuple[str, str]]:
    """Home and the pages shown in menus, in the present language."""
    parameters, root = this_site.parameters("menu"), _root()
    found: list[tuple[str, str]] = []
    if parameters.home and root is not None:
        found.append((gettext("Home"), root.get_url() or "/"))
    if parameters.show_pages and root is not None:
        pages = root.get_children().live().public().in_menu().specific()
        # A page with a visibility of its own is named only when everybody may read it.
        shown = (p for p in pages if getattr(p, "is_public", True))
        found += [(p.title, p.get_url() or "") for p in shown]
    return found


def _root() -> Page | None:
    wagtail_site = this_site.wagtail_site()
    return wagtail_site.root_page.localized if wagtail_site is not None else None
