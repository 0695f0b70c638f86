"""When an issue will be over: from what is left, its pace, and every limit."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from webstreet.mail.hours import QuietHours
from webstreet.mail.outlook import Ahead, Slowed, end_of

NOW = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.UTC)
NIGHT = QuietHours(dt.time(22), dt.time(7), ZoneInfo("UTC"))


def left(ahead: Ahead) -> dt.timedelta | None:
    end = end_of(ahead, NOW)
    return end - NOW if end is not None else None


@pytest.mark.parametrize(
    ("ahead", "hours"),
    [
        (Ahead(0), 0),
        (Ahead(7200, pace=2), 1),
        (Ahead(7200, pace=2, per_s=1), 2),  # it was faster than it may be now
        (Ahead(7200, per_s=1), 2),  # nothing went yet: as fast as it may
        (Ahead(7200, pace=2, slowed=[Slowed(7200, 0.5)]), 4),  # the provider is the last
        (Ahead(7200, pace=0.5, slowed=[Slowed(3600, 5)]), 6),  # the provider is not
        (Ahead(0, slowed=[Slowed(3600, 1), Slowed(3600, 0.5)]), 2),
        (Ahead(7200, pace=2, due_at=NOW + dt.timedelta(hours=3)), 4),
        (Ahead(12 * 3600, pace=1, quiet=NIGHT), 12 + 9),  # over night
        (Ahead(10 * 3600, pace=1, quiet=NIGHT), 10),  # just before it
        (Ahead(5 * 3600, pace=1, quiet=NIGHT, due_at=NOW + dt.timedelta(hours=11)), 11 + 8 + 5),
    ],
)
def test_hours_until_it_is_over(ahead, hours):
    assert left(ahead) == pytest.approx(dt.timedelta(hours=hours), abs=dt.timedelta(seconds=2))


@pytest.mark.parametrize("ahead", [Ahead(1), Ahead(5, slowed=[Slowed(3, 1)]), Ahead(5, pace=1, slowed=[Slowed(1, 0)])])
def test_what_nobody_can_know_is_not_said(ahead):
    assert end_of(ahead, NOW) is None


def test_each_day_of_the_warm_up_has_its_share():
    shares = {NOW.date(): 10, NOW.date() + dt.timedelta(days=1): 100}

    def allowance(moment: dt.datetime) -> int | None:
        return shares.get(moment.date())

    begin = end_of(Ahead(10, pace=1, allowance=allowance), NOW)
    assert begin == NOW + dt.timedelta(seconds=10)
    assert end_of(Ahead(60, pace=1, allowance=allowance), NOW) == dt.datetime(2026, 11, 22, 0, 0, 50, tzinfo=dt.UTC)
    assert end_of(Ahead(210, pace=1, allowance=allowance), NOW) == dt.datetime(2026, 11, 23, 0, 1, 40, tzinfo=dt.UTC)
    with_night = Ahead(60, pace=1, allowance=allowance, quiet=NIGHT)
    assert end_of(with_night, NOW) == dt.datetime(2026, 11, 22, 7, 0, 50, tzinfo=dt.UTC)


def test_nobody_plans_for_months():
    assert end_of(Ahead(10**9, pace=1), NOW) is not None
    assert end_of(Ahead(10**9, pace=1, quiet=NIGHT), NOW) is None
    assert end_of(Ahead(5, pace=1, allowance=lambda moment: 0), NOW) is None
