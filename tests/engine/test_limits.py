"""Limits per network: counted in the process, over with their window, and never more than so many networks."""

from __future__ import annotations

import pytest

from webstreet.engine import limits
from webstreet.engine.limits import PerNetwork


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_one_network_does_not_take_from_another() -> None:
    clock = Clock()
    limit = PerNetwork(3, 60, clock=clock)
    assert [limit.wait_s("a") for _ in range(4)] == [0, 0, 0, 20]
    assert limit.wait_s("b") == 0
    clock.now += 19
    assert limit.wait_s("a") == 1
    clock.now += 1
    assert limit.wait_s("a") == 0


def test_it_forgets_rather_than_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "NETWORKS_MAX", 10)
    limit = PerNetwork(1, 60, clock=Clock())
    assert [limit.wait_s(str(n)) for n in range(10)] == [0] * 10
    assert limit.wait_s("9") > 0
    assert limit.wait_s("another") == 0
    assert limit.wait_s("9") == 0
