"""Quiet hours: when nothing is sent, by the clock on the wall of the readers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From ``begin`` to ``end`` each day in ``zone``, over midnight if ``end`` is earlier."""

    begin: dt.time
    end: dt.time
    zone: ZoneInfo

    def until(self, now: dt.datetime) -> dt.datetime | None:
        """When they are over, in UTC; None when they are not now. ``now`` is aware.

        The wall decides: in the night in which the clock is put forward they end at the same time of day, an hour sooner.
        """
        local = now.astimezone(self.zone)
        time = local.time().replace(tzinfo=None)
        if self.begin <= self.end:
            quiet, next_day = self.begin <= time < self.end, False
        else:
            quiet, next_day = time >= self.begin or time < self.end, time >= self.begin
        if not quiet:
            return None
        return self._moment(local.date() + dt.timedelta(days=next_day), self.end, after=now)

    def next_begin(self, now: dt.datetime) -> dt.datetime:
        """When they begin the next time after ``now``, in UTC."""
        return next_at(self.begin, self.zone, now)

    def _moment(self, day: dt.date, time: dt.time, *, after: dt.datetime) -> dt.datetime:
        found = _at(day, time, self.zone)
        if found <= after:  # An hour that comes twice: it is the second of the two.
            found = _at(day, time.replace(fold=1), self.zone)
        return found if found > after else after


def next_at(time: dt.time, zone: dt.tzinfo, now: dt.datetime) -> dt.datetime:
    """The next moment after ``now``, in UTC, at which the wall's clock in ``zone`` shows ``time``."""
    day = now.astimezone(zone).date()
    return next(found for n in range(3) if (found := _at(day + dt.timedelta(days=n), time, zone)) > now)


def _at(day: dt.date, time: dt.time, zone: dt.tzinfo) -> dt.datetime:
    """In UTC. A time that the clock leaps over is as much later as the leap is long."""
    return dt.datetime.combine(day, time, tzinfo=zone).astimezone(dt.UTC)
