"""Every pair of colours can be read, whatever accent a client asks for."""

from __future__ import annotations

import colorsys

import pytest

from webstreet.engine.theme.colour import PAIRS, TEXT, Accent, ColourInvalid, accent, contrast, normal, tokens


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "back", "least"), PAIRS)
def test_every_pair_of_tokens_reaches_aa(front: str, back: str, least: float, scheme: int) -> None:
    assert contrast(tokens()[front][scheme], tokens()[back][scheme]) >= least


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)


def readable(found: Accent) -> bool:
    paper, sheet = tokens()["paper"], tokens()["sheet"]
    pairs = [
        (found.light, paper[0]), (found.light, sheet[0]), (found.on_light, found.light),
        (found.dark, paper[1]), (found.dark, sheet[1]), (found.on_dark, found.dark),
    ]  # fmt: skip
    return all(contrast(one, other) >= TEXT for one, other in pairs)


def test_accents_of_every_hue_and_lightness_are_made_readable() -> None:
    for hue in range(0, 360, 15):
        for value in (0.0, 0.15, 0.4, 0.5, 0.6, 0.85, 1.0):
            for saturation in (0.0, 0.5, 1.0):
                channels = colorsys.hls_to_rgb(hue / 360, value, saturation)
                wanted = "#" + "".join(f"{round(255 * c):02x}" for c in channels)
                assert readable(accent(wanted)), wanted


def test_a_strong_accent_is_left_alone_and_a_weak_one_is_named() -> None:
    assert accent("#9a3412").light == "#9a3412"
    assert "light" not in accent("#9a3412").corrected
    assert accent("#ffff00").corrected == ("light",)
    assert accent("#ffff00").dark == "#ffff00"


@pytest.mark.parametrize(("text", "colour"), [("#ABC", "#aabbcc"), ("9A3412", "#9a3412"), (" #fff ", "#ffffff")])
def test_spellings(text: str, colour: str) -> None:
    assert normal(text) == colour


@pytest.mark.parametrize("text", ["", "red", "#12", "#12345g", "rgb(1,2,3)", "#123456;}"])
def test_what_is_no_colour_is_refused(text: str) -> None:
    with pytest.raises(ColourInvalid) as caught:
        accent(text)
    assert caught.value.error_code == "colour.invalid"
