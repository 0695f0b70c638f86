"""When an issue will be over, as far as that can be known: from what is left, how fast it went lately, and the limits."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from webstreet.mail.hours import QuietHours, next_at

FAR = dt.timedelta(days=60)
"""Nobody plans further ahead."""


@dataclass(frozen=True, slots=True)
class Slowed:
    """Recipients that wait for their turn at one provider: how many, and how many a second it gets."""

    count: int
    per_s: float


@dataclass(frozen=True, slots=True)
class Ahead:
    """What lies before an issue.

    Attributes:
        count: mails that nothing but the pace and the limits of all stand against. slowed: those that wait for a turn besides.
        pace: messages a second, lately; 0: not known. per_s: the most that limits of all allow; None: no such limit.
        allowance: how many may go on the day of a moment (less what went already); None: as many as one likes.
        due_at: nothing goes before, whatever the reason.
    """

    count: int
    slowed: Sequence[Slowed] = ()
    pace: float = 0.0
    per_s: float | None = None
    quiet: QuietHours | None = None
    allowance: Callable[[dt.datetime], int | None] | None = None
    zone: dt.tzinfo = dt.UTC
    due_at: dt.datetime | None = None


def end_of(ahead: Ahead, now: dt.datetime) -> dt.datetime | None:
    """When the last of them goes, if nothing else comes in between; None when nobody can say (yet).

    Retries are not in it: who refused for now decides on that.
    """
    speeds = [speed for speed in (ahead.pace or None, ahead.per_s) if speed]
    slowed = [one for one in ahead.slowed if one.count > 0]
    everyone = ahead.count + sum(one.count for one in slowed)
    if everyone == 0:
        return now
    if any(one.per_s <= 0 for one in slowed) or (ahead.count and not speeds):
        return None
    begin = max(now, ahead.due_at or now)
    alone = max((one.count / one.per_s for one in slowed), default=0.0)
    together = everyone / min(speeds) if speeds else 0.0
    return _through(ahead, begin, everyone, max(alone, together))


def _through(ahead: Ahead, moment: dt.datetime, count: int, seconds: float) -> dt.datetime | None:
    """``count`` mails of which nothing stands in the way take ``seconds``; the nights and the days' shares make it longer."""
    per_s = count / seconds if seconds else math.inf
    last = moment + FAR
    while moment < last:
        if ahead.quiet is not None and (until := ahead.quiet.until(moment)) is not None:
            moment = until
            continue
        ends = [ahead.quiet.next_begin(moment)] if ahead.quiet is not None else []
        may = ahead.allowance(moment) if ahead.allowance is not None else None
        midnight = next_at(dt.time(0), ahead.zone, moment)
        if may is not None:
            ends.append(midnight)
        open_s = min((end - moment).total_seconds() for end in ends) if ends else math.inf
        goes = min(
            count, *([may] if may is not None else [count]), *([per_s * open_s] if per_s < math.inf else [count])
        )
        count -= math.floor(goes)
        if count <= 0:
            return moment + dt.timedelta(seconds=goes / per_s if per_s < math.inf else 0)
        moment = min(ends, default=last) if may is None or goes < may else midnight
    return None
