"""Token buckets: how many messages may go now, and when the next. The rules and the port; where they are kept is an adapter's matter.

A bucket is two numbers: what was ``spent`` of it, and ``at`` when that was. What was spent runs out at the limit's rate. Several workers
share a bucket by changing it in a transaction of the store that holds it, by that store's clock.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

BURST_S = 2.0
"""What was not used for so long is not lost: workers wake up about once a second."""
SET_BACK_S = 60.0
"""A bucket from further in the future was written before somebody set the clock back."""
_UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0, "day": 86_400.0}
_RATE = re.compile(r"([1-9][0-9]{0,7})\s*/\s*(s|min|h|day)\Z")


@dataclass(frozen=True, slots=True)
class Limit:
    """``per_s`` messages a second, ``burst`` at once at most. ``per_s`` 0: that many and no more, as for one day."""

    per_s: float
    burst: int

    @classmethod
    def of_rate(cls, per_s: float) -> Limit:
        return cls(per_s, max(1, math.floor(per_s * BURST_S)))

    @classmethod
    def parse(cls, text: str) -> Limit:
        """Read ``14/s``, ``90/min``, ``500/h`` or ``10000/day``: evenly, not all at the beginning of the hour.

        Raises:
            ValueError: it is none of these.
        """
        found = _RATE.match(text.strip())
        if not found:
            raise ValueError("Write a limit as 14/s, 90/min, 500/h or 10000/day.")
        return cls.of_rate(int(found[1]) / _UNITS[found[2]])

    def slower(self, share: float) -> Limit:
        return self.of_rate(self.per_s * share)


@dataclass(frozen=True, slots=True)
class Want:
    """Up to ``count`` from a bucket. ``force``: all of them, whatever is left; who comes later waits for it."""

    limit: Limit
    count: int
    force: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """``count`` may go now; one more in ``wait_s`` seconds (infinite: never from this bucket)."""

    count: int
    wait_s: float


@dataclass(frozen=True, slots=True)
class Level:
    """What a store keeps of a bucket. ``at``: seconds since the epoch, by the store's clock."""

    spent: float = 0.0
    at: float = 0.0


class Buckets(Protocol):
    """Buckets that all workers of a site share."""

    def take(self, wants: Mapping[str, Want]) -> dict[str, Grant]:
        """Take from each bucket what it has, up to what is wanted of it, in one transaction; one that is new is full."""

    def give_back(self, counts: Mapping[str, int]) -> None:
        """What was taken and not used."""


def taken(level: Level, want: Want, now: float) -> tuple[Level, Grant]:
    """The rule: what becomes of a bucket at ``now``, which is to be kept whatever is granted, and what is granted.

    A clock that was set back does not empty a bucket for as long as it was set back, and clocks that differ by less than `SET_BACK_S`
    never grant more than one of them alone would.
    """
    limit = want.limit
    at = now if level.at - now > SET_BACK_S else max(level.at, now)
    spent = max(0.0, level.spent - max(0.0, now - level.at) * limit.per_s)
    room = max(0, math.floor(limit.burst - spent + 1e-6))
    count = want.count if want.force else min(want.count, room)
    spent += count
    lacking = spent + 1 - limit.burst
    if lacking <= 0:
        wait_s = 0.0
    else:
        wait_s = lacking / limit.per_s + max(0.0, at - now) if limit.per_s else math.inf
    return Level(spent, at), Grant(count, wait_s)


def given_back(level: Level, count: int) -> Level:
    return Level(max(0.0, level.spent - count), level.at)
