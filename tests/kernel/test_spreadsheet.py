"""What a spreadsheet would run is written as text."""

from __future__ import annotations

import pytest

from webstreet.kernel.spreadsheet import harmless


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\0=1"])
def test_formulas_become_text(text: str) -> None:
    assert harmless(text) == "'" + text.replace("\0", "")


@pytest.mark.parametrize("text", ["", "ada@example.org", "a=b", "1-2"])
def test_everything_else_stays(text: str) -> None:
    assert harmless(text) == text
