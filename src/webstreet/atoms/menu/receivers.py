"""The navigation, in the head of every page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from webstreet.atoms.menu import starter
from webstreet.atoms.menu.entries import entries
from webstreet.atoms.menu.importing import take
from webstreet.atoms.menu.models import MenuLink
from webstreet.contract.site import SiteManifest
from webstreet.contract.template import TemplateManifest
from webstreet.engine import hooks
from webstreet.engine.exports import Kind


@hooks.register("slot")
def navigation(name: str, request: HttpRequest, context: dict[str, Any]) -> SafeString:
    if name != "menu":
        return SafeString("")
    return render_to_string("menu/menu.html", {"entries": entries(request)}, request)


@hooks.register("import_menu")
def import_menu(records: Iterable[Any], ctx: Any) -> None:
    take(records, ctx)


@hooks.register("export_kinds")
def export_kinds() -> list[Kind]:
    return [Kind("menu-links", MenuLink, "translation_key", unique=("translation_key", "locale_id"))]


@hooks.register("starter_content")
def starter_content(manifest: SiteManifest, template: TemplateManifest | None) -> None:
    starter.let_editors()
