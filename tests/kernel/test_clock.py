"""Time that a test can move agrees with the machine's in its types."""

from __future__ import annotations

import datetime as dt

import pytest

from webstreet.kernel.clock import Clock, SystemClock
from webstreet.testing.clock import ManualClock


@pytest.mark.parametrize("clock", [SystemClock(), ManualClock()], ids=["system", "manual"])
def test_both_clocks_are_aware_and_in_utc(clock: Clock) -> None:
    assert clock.now().utcoffset() == dt.timedelta(0)
    before = clock.monotonic()
    clock.sleep(0.001)
    assert clock.monotonic() > before


def test_the_manual_clock_moves_only_by_hand() -> None:
    clock = ManualClock()
    start = clock.now()
    assert clock.now() == start
    clock.sleep(3600)
    assert clock.now() - start == dt.timedelta(hours=1)
    assert clock.monotonic() == 3600
