"""One small stylesheet, its font from the same host, kept for ever by its digest."""

from __future__ import annotations

import gzip
import re

import pytest

from webstreet.engine.theme import accents, stylesheet
from webstreet.engine.theme.colour import accent

KB = 1000


def test_it_is_small_and_asks_nobody_else() -> None:
    found = stylesheet.build()
    assert len(found.compressed) < 12 * KB
    assert gzip.decompress(found.compressed) == found.text
    text = found.text.decode()
    assert not re.search(r"https?:|//|@import", text)
    assert text.count("{") == text.count("}")
    for part in ("prefers-reduced-motion", "@media print", ":focus-visible", "light-dark(", "size-adjust"):
        assert part in text


def test_values_are_tokens() -> None:
    """Outside the tokens' own rule and print no colour is written."""
    text = stylesheet.build().text.decode()
    after = text[text.index("@font-face") : text.index("@media print")]
    assert not re.findall(r"#[0-9a-f]{3,6}\b|rgb\(", after)


def test_an_accent_changes_tokens_only() -> None:
    plain, blue = stylesheet.build().text.decode(), stylesheet.build(accent("#1d4ed8")).text.decode()
    assert "--accent:light-dark(#1d4ed8," in blue.replace(": ", ":")
    strip = re.compile(r"--accent(?:-ink)?: ?light-dark\([^)]*\)")
    assert strip.sub("", plain) == strip.sub("", blue)


def test_it_is_served_compressed_and_for_ever(client) -> None:
    found = stylesheet.build(accents.of_site())
    response = client.get(f"/theme/paper.{found.digest}.css", HTTP_ACCEPT_ENCODING="gzip", HTTP_HOST="blog.example.com")
    assert response["Content-Encoding"] == "gzip"
    assert "immutable" in response["Cache-Control"]
    old = client.get("/theme/paper.0123456789ab.css", HTTP_HOST="blog.example.com")
    assert old.status_code == 200
    assert old["Cache-Control"] == "public, max-age=60"


def test_a_weak_accent_is_said(monkeypatch) -> None:
    monkeypatch.setattr(accents, "wanted", lambda: "#ffff00")
    (message,) = accents.check()
    assert "too weak to read" in message.msg
    monkeypatch.setattr(accents, "wanted", lambda: "nonsense")
    (message,) = accents.check()
    assert message.id == "theme.W001"


@pytest.mark.parametrize(
    "path", ["theme/fonts/literata.woff2", "theme/fonts/literata-italic.woff2", "theme/fonts/OFL.txt"]
)
def test_font_and_licence_are_there(path: str) -> None:
    from django.contrib.staticfiles import finders

    assert finders.find(path)
