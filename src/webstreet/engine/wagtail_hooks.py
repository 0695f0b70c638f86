"""Wagtail's admin, fitted to a site that the control plane made: its first page, and no door to what is not an editor's to change."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from wagtail import hooks

from webstreet.engine.dashboard import Panels


@hooks.register("construct_homepage_panels")
def panels_of_atoms(request: HttpRequest, panels: list[Any]) -> None:
    panels.append(Panels())


@hooks.register("construct_settings_menu")
def without_sites(request: HttpRequest, items: list[Any]) -> None:
    """There is one site record. `prepare` writes it from site.yaml, so what an editor entered there would be lost."""
    items[:] = [item for item in items if item.name != "sites"]
