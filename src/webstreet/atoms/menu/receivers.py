"""The navigation, in the head of every page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from webstreet.atoms.menu.entries import entries
from webstreet.engine import hooks


@hooks.register("slot")
def navigation(name: str, request: HttpRequest, context: dict[str, Any]) -> SafeString:
    if name != "menu":
        return SafeString("")
    return render_to_string("menu/menu.html", {"entries": entries(request)}, request)
