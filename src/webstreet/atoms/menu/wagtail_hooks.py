"""Where editors find the menu's links."""

from __future__ import annotations

from wagtail.snippets.models import register_snippet
from wagtail.snippets.views.snippets import SnippetViewSet

from webstreet.atoms.menu.models import MenuLink


class MenuLinks(SnippetViewSet):
    model = MenuLink
    icon = "list-ul"
    list_display = ["__str__", "page", "url"]


register_snippet(MenuLinks)
