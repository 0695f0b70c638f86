"""The accent this site asks for: the first parameter called ``accent`` among its atoms."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.core import checks

from webstreet.engine import site as this_site
from webstreet.engine.theme.colour import Accent, ColourInvalid, accent


def wanted() -> str:
    """As written in site.yaml; empty when no atom names one."""
    for name in this_site.current().atoms:
        if colour := getattr(this_site.parameters(name), "accent", ""):
            return str(colour)
    return ""


def of_site() -> Accent | None:
    """The corrected accent, or None for the theme's own. A text that is no colour counts as none: `check` reports it."""
    return _of(wanted())


@cache
def _of(text: str) -> Accent | None:
    try:
        return accent(text) if text else None
    except ColourInvalid:
        return None


@checks.register
def check(**_: Any) -> list[checks.CheckMessage]:
    """Says at every start when an accent was corrected, and to what."""
    text = wanted()
    if not text:
        return []
    found = _of(text)
    if found is None:
        return [
            checks.Warning(f'The accent "{text[:40]}" is not a colour, so the theme\'s own is used.', id="theme.W001")
        ]
    if not found.corrected:
        return []
    shown = {"light": found.light, "dark": found.dark}
    words = " and ".join(f"{shown[scheme]} on {scheme} pages" for scheme in found.corrected)
    return [checks.Info(f"The accent {found.wanted} is too weak to read; {words} is used instead.", id="theme.I001")]
