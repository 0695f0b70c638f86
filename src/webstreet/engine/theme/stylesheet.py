"""The one stylesheet: the files of ``css/`` joined, with the site's accent in place of the theme's."""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

from django.templatetags.static import static

from webstreet.engine.theme.colour import Accent

FONTS = {"{font}": "theme/fonts/literata.woff2", "{font_italic}": "theme/fonts/literata-italic.woff2"}


@dataclass(frozen=True, slots=True)
class Stylesheet:
    """What is served. ``digest`` names the content, so that it can be cached for ever."""

    text: bytes
    compressed: bytes
    digest: str


@cache
def build(accent: Accent | None = None) -> Stylesheet:
    """Join the parts in the order of their names; fonts are addressed as static files."""
    folder = resources.files(__package__) / "css"
    parts = sorted((p for p in folder.iterdir() if p.name.endswith(".css")), key=lambda p: p.name)
    css = "\n".join(p.read_text("utf-8") for p in parts)
    for placeholder, path in FONTS.items():
        css = css.replace(placeholder, static(path))
    if accent is not None:
        css = _with_accent(css, accent)
    text = _smaller(css).encode()
    return Stylesheet(text, gzip.compress(text, 9, mtime=0), hashlib.sha256(text).hexdigest()[:12])


def _with_accent(css: str, accent: Accent) -> str:
    for token, light, dark in (
        ("accent", accent.light, accent.dark),
        ("accent-ink", accent.on_light, accent.on_dark),
    ):
        css, found = re.subn(rf"--{token}: light-dark\([^)]*\)", f"--{token}: light-dark({light}, {dark})", css)
        assert found == 1, f"the token {token} is not where it is expected"  # noqa: S101 a defect of the theme
    return css


def _smaller(css: str) -> str:
    """Without comments and needless white space. Nothing in our own files has either inside a string."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    css = re.sub(r"\s+", " ", css)
    return re.sub(r"\s*([{};,])\s*", r"\1", css).strip()
