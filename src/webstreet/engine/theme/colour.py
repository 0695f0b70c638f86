"""Colours and their contrast: the theme's tokens read from ``css/1-tokens.css``, and a client's accent corrected until it can be read.

Contrast ratio and relative luminance are those of WCAG 2.2 (section 1.4.3). Lightness is moved in OKLab (Ottosson 2020), which keeps
the hue that the client chose.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

from webstreet.kernel.errors import BadInput

TEXT, LARGE = 4.5, 3.0
"""Least contrast of text, and of large text and of the edges of controls (WCAG 2.2 AA)."""

PAIRS: tuple[tuple[str, str, float], ...] = (
    ("ink", "paper", TEXT),
    ("ink", "sheet", TEXT),
    ("ink", "mark", TEXT),
    ("ink-soft", "paper", TEXT),
    ("ink-soft", "sheet", TEXT),
    ("accent", "paper", TEXT),
    ("accent", "sheet", TEXT),
    ("accent-ink", "accent", TEXT),
    ("danger", "paper", TEXT),
    ("danger", "sheet", TEXT),
    ("good", "sheet", LARGE),
    ("edge", "paper", LARGE),
    ("edge", "sheet", LARGE),
)
"""Foreground token, background token, least contrast. ``rule`` is decoration and carries no meaning."""

_TOKEN = re.compile(r"--([a-z-]+):\s*light-dark\((#[0-9a-f]{6}),\s*(#[0-9a-f]{6})\)")
_HEX = re.compile(r"#?(?:[0-9a-f]{3}|[0-9a-f]{6})\Z")


class ColourInvalid(BadInput):
    """A text is not a colour written as #rgb or #rrggbb."""

    code = "colour.invalid"


@dataclass(frozen=True, slots=True)
class Accent:
    """An accent for both schemes, with the colour of text on it.

    Attributes:
        wanted: what the client asked for, normalised.
        corrected: names of the schemes ("light", "dark") in which ``wanted`` was too weak and another lightness is used.
    """

    wanted: str
    light: str
    dark: str
    on_light: str
    on_dark: str
    corrected: tuple[str, ...]


def normal(text: str) -> str:
    """``#abc`` or ``AABBCC`` -> ``#aabbcc``.

    Raises:
        ColourInvalid: anything else.
    """
    candidate = text.strip().lower()
    if not _HEX.match(candidate):
        raise ColourInvalid(f'"{text[:40]}" is not a colour: write it as #rrggbb, as in #9a3412.')
    digits = candidate.removeprefix("#")
    return "#" + ("".join(2 * d for d in digits) if len(digits) == 3 else digits)


def contrast(one: str, other: str) -> float:
    """The WCAG contrast ratio of two colours, from 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@cache
def tokens() -> dict[str, tuple[str, str]]:
    """Colour tokens of the theme: name -> (light, dark)."""
    text = (resources.files(__package__) / "css" / "1-tokens.css").read_text("utf-8")
    return {name: (light, dark) for name, light, dark in _TOKEN.findall(text)}


def accent(wanted: str) -> Accent:
    """The accent to use when a client asks for ``wanted``: the same hue, as dark or as light as each scheme needs.

    Raises:
        ColourInvalid: ``wanted`` is not a colour.
    """
    colour = normal(wanted)
    found = [_readable(colour, scheme) for scheme in (0, 1)]
    inks = [_ink_on(c, scheme) for scheme, c in enumerate(found)]
    corrected = tuple(name for name, c in zip(("light", "dark"), found, strict=True) if c != colour)
    return Accent(colour, found[0], found[1], inks[0], inks[1], corrected)


def _readable(colour: str, scheme: int) -> str:
    """The colour nearest in lightness to ``colour`` that can be text on both backgrounds and carries text itself."""
    grounds = [tokens()["paper"][scheme], tokens()["sheet"][scheme]]

    def fits(candidate: str) -> bool:
        ink = _ink_on(candidate, scheme)
        return min(contrast(candidate, g) for g in grounds) >= TEXT and contrast(candidate, ink) >= TEXT

    if fits(colour):
        return colour
    lightness, a, b = _to_oklab(colour)
    step = -0.01 if scheme == 0 else 0.01
    while 0.0 < lightness < 1.0:
        lightness += step
        candidate = _from_oklab(lightness, a, b)
        if fits(candidate):
            return candidate
    return tokens()["ink"][scheme]


def _ink_on(colour: str, scheme: int) -> str:
    """White or near-black, whichever reads better on ``colour``."""
    return max(("#ffffff", "#171513"), key=lambda ink: contrast(ink, colour))


def _channels(colour: str) -> tuple[float, float, float]:
    """Linear-light sRGB, each 0 to 1."""
    values = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return red, green, blue


def _luminance(colour: str) -> float:
    red, green, blue = _channels(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _to_oklab(colour: str) -> tuple[float, float, float]:
    r, g, b = _channels(colour)
    l_ = math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    m_ = math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    s_ = math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    return (
        0.2104542553 * l_ + 0.7936177850 * m_ - 0.0040720468 * s_,
        1.9779984951 * l_ - 2.4285922050 * m_ + 0.4505937099 * s_,
        0.0259040371 * l_ + 0.7827717662 * m_ - 0.8086757660 * s_,
    )


def _from_oklab(lightness: float, a: float, b: float) -> str:
    """Clipped to sRGB: a little saturation may be lost at the ends, never the hue's name."""
    l_ = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    m_ = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    s_ = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * l_ - 3.3077115913 * m_ + 0.2309699292 * s_,
        -1.2684380046 * l_ + 2.6097574011 * m_ - 0.3413193965 * s_,
        -0.0041960863 * l_ - 0.7034186147 * m_ + 1.7076147010 * s_,
    )
    clipped = (min(1.0, max(0.0, v)) for v in linear)
    encoded = (12.92 * v if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055 for v in clipped)
    return "#" + "".join(f"{round(255 * v):02x}" for v in encoded)
