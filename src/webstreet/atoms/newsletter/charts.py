"""What a chart of bars needs: where they stand, and an axis that ends at a round number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar, in hundredths of the chart from its left and its top; ``label`` is shown below when ``named``."""

    x: float
    y: float
    width: float
    height: float
    middle: float
    label: str
    value: int | None
    named: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template draws: bars from zero, and a line for each step of the axis (hundredths from the top, value)."""

    bars: Sequence[Bar]
    steps: Sequence[tuple[float, int]]


def drawn(values: Sequence[tuple[str, int | None]], *, named_every: int) -> Chart:
    """Zero-based; the axis ends at a round number that is not below the highest value. The last bar is named, and each so many before."""
    top, step = _axis(max((value or 0 for _, value in values), default=0))
    slot = 100 / max(1, len(values))
    bars = []
    for number, (label, value) in enumerate(values):
        height = round(100 * (value or 0) / top, 2)
        x = number * slot
        left, width, middle = round(x + slot * 0.15, 2), round(slot * 0.7, 2), round(x + slot / 2, 2)
        named = (len(values) - 1 - number) % named_every == 0
        bars.append(Bar(left, round(100 - height, 2), width, height, middle, label, value, named))
    return Chart(bars, [(round(100 - 100 * value / top, 2), value) for value in range(0, top + 1, step)])


def _axis(highest: int) -> tuple[int, int]:
    """End and step of the axis: 3 to 5 steps of 1, 2 or 5 times a power of ten."""
    step = 1
    while step * 5 < highest:
        step = step * 5 // 2 if str(step).startswith("2") else step * 2
    return max(step * -(-highest // step), step), step
