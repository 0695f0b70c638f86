"""Token buckets as a rule, quiet hours by the clock on the wall, warm-up by the day, and whose domain a domain is."""

from __future__ import annotations

import datetime as dt
import itertools
import math
import random
from zoneinfo import ZoneInfo

import pytest

from webstreet.mail.buckets import SET_BACK_S, Level, Limit, Want, given_back, taken
from webstreet.mail.families import family_by_servers, family_of, registrable
from webstreet.mail.hours import QuietHours, next_at
from webstreet.mail.warming import CURVE, allowance

PARIS = ZoneInfo("Europe/Paris")
NIGHT = QuietHours(dt.time(22), dt.time(7), PARIS)


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


# -- Buckets ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "per_s", "burst"),
    [
        ("14/s", 14, 28),
        ("90/min", 1.5, 3),
        ("500/h", 500 / 3600, 1),
        ("10000/day", 10_000 / 86_400, 1),
        (" 3 / s ", 3, 6),
    ],
)
def test_a_limit_is_written_as_contracts_write_it(text, per_s, burst):
    assert Limit.parse(text) == Limit(pytest.approx(per_s), burst)


@pytest.mark.parametrize("text", ["", "0/s", "3", "3/", "-3/s", "3.5/s", "3/week", "3/s;", "1e3/s", "999999999/s"])
def test_anything_else_is_no_limit(text):
    with pytest.raises(ValueError, match="14/s"):
        Limit.parse(text)


def test_never_more_than_burst_and_rate_whoever_asks_when():
    chance = random.Random(7)
    limit, level, now, began, got = Limit.of_rate(3), Level(), 1e9, 1e9, 0
    for _ in range(2000):
        now += chance.choice((0, 0.01, 0.2, 3))
        level, grant = taken(level, Want(limit, chance.randint(1, 20)), now)
        got += grant.count
        assert got <= limit.burst + (now - began) * limit.per_s + 1e-3
    assert got >= (now - began) * limit.per_s * 0.5, "and what is free is given"


def test_the_wait_that_is_told_is_the_wait_there_is():
    limit = Limit.of_rate(4)
    level, _ = taken(Level(), Want(limit, 100), 1000.0)
    _, grant = taken(level, Want(limit, 1), 1000.0)
    assert (grant.count, grant.wait_s) == (0, pytest.approx(0.25))
    assert taken(level, Want(limit, 1), 1000.0 + grant.wait_s)[1].count == 1
    assert taken(level, Want(limit, 1), 1000.0 + grant.wait_s - 0.01)[1].count == 0


def test_one_day_has_so_many_and_no_more():
    limit = Limit(0.0, 50)
    level, grant = taken(Level(), Want(limit, 60), 1000.0)
    assert grant.count == 50
    level, grant = taken(level, Want(limit, 1), 90_000.0)
    assert (grant.count, grant.wait_s) == (0, math.inf)
    assert taken(given_back(level, 2), Want(limit, 5), 90_000.0)[1].count == 2


def test_who_is_forced_through_makes_the_next_wait():
    limit = Limit.of_rate(1)
    level, grant = taken(Level(), Want(limit, 5, force=True), 1000.0)
    assert grant.count == 5
    assert taken(level, Want(limit, 1), 1000.0)[1].wait_s == pytest.approx(4)


def test_a_clock_that_was_set_back_stops_nobody_for_long_and_gives_nothing_away():
    limit = Limit.of_rate(2)
    level, _ = taken(Level(), Want(limit, 100), 100_000.0)
    back, grant = taken(level, Want(limit, 1), 100_000.0 - 3600)
    assert (grant.count, grant.wait_s) == (0, pytest.approx(0.5))
    assert taken(back, Want(limit, 1), 100_000.0 - 3600 + 0.5)[1].count == 1
    skew = SET_BACK_S / 2
    assert taken(level, Want(limit, 9), 100_000.0 - skew)[1].count == 0, "a clock that is a little behind"
    assert taken(taken(level, Want(limit, 9), 100_000.0 - skew)[0], Want(limit, 9), 100_000.5)[1].count == 1


# -- Quiet hours -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-21T20:59:59", None),  # 21:59:59 in Paris
        ("2026-11-21T21:00", "2026-11-22T06:00"),
        ("2026-11-21T23:30", "2026-11-22T06:00"),
        ("2026-11-22T05:59:59", "2026-11-22T06:00"),
        ("2026-11-22T06:00", None),
        ("2026-03-28T22:00", "2026-03-29T05:00"),  # the clock goes forward: the night has an hour less
        ("2026-10-24T21:00", "2026-10-25T06:00"),  # and back: an hour more
    ],
)
def test_a_night_of_quiet(now, until):
    assert NIGHT.until(utc(now)) == (utc(until) if until else None)


def test_quiet_by_day_and_at_the_hour_that_comes_twice():
    noon = QuietHours(dt.time(12), dt.time(14), PARIS)
    assert noon.until(utc("2026-07-01T10:30")) == utc("2026-07-01T12:00")
    assert noon.until(utc("2026-07-01T12:00")) is None
    late = QuietHours(dt.time(22), dt.time(2, 30), PARIS)
    assert late.until(utc("2026-10-25T01:10")) == utc("2026-10-25T01:30"), "02:10 for the second time"
    gap = QuietHours(dt.time(22), dt.time(2, 30), PARIS)
    assert gap.until(utc("2026-03-29T00:50")) == utc("2026-03-29T01:30"), "02:30 does not come that night"


def test_every_quiet_moment_ends_and_the_end_is_not_quiet():
    moment = utc("2026-03-27T00:00")
    while moment < utc("2026-03-31T00:00"):
        until = NIGHT.until(moment)
        if until is not None:
            assert moment < until <= moment + dt.timedelta(hours=9)
            assert NIGHT.until(until) is None
        moment += dt.timedelta(minutes=7)


def test_the_next_time_on_the_wall():
    assert NIGHT.next_begin(utc("2026-11-21T12:00")) == utc("2026-11-21T21:00")
    assert NIGHT.next_begin(utc("2026-11-21T21:00")) == utc("2026-11-22T21:00")
    assert next_at(dt.time(0), PARIS, utc("2026-10-24T22:30")) == utc("2026-10-25T23:00"), "a day of 25 hours"


# -- Warm-up ---------------------------------------------------------------------------------------------------------
def test_a_sender_sends_more_each_day_until_there_is_no_limit():
    since = dt.date(2026, 9, 1)
    days = [allowance(since, since + dt.timedelta(days=n)) for n in range(len(CURVE) + 1)]
    assert days[:4] == [50, 100, 200, 400]
    assert days[-1] is None
    assert all(a < b <= 2 * a for a, b in itertools.pairwise(days[:-1]))
    assert allowance(since, dt.date(2026, 8, 1)) == 50, "before it begins it has not begun"


# -- Providers -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("domain", "family"),
    [
        ("gmail.com", "gmail"), ("googlemail.com", "gmail"), ("hotmail.fr", "microsoft"), ("live.co.uk", "microsoft"),
        ("outlook.com.br", "microsoft"), ("msn.com", "microsoft"), ("yahoo.co.jp", "yahoo"), ("aol.com", "yahoo"),
        ("ymail.com", "yahoo"), ("me.com", "apple"), ("web.de", "gmx"), ("wanadoo.fr", "orange"), ("laposte.net", "laposte"),
        ("free.fr", "free"), ("neuf.fr", "sfr"), ("pm.me", "proton"), ("journal.example.org", "example.org"),
        ("mail.example.co.uk", "example.co.uk"), ("notgmail.com", "notgmail.com"), ("yahoo.example.org", "example.org"),
        ("live.example", "live.example"),
    ],
)  # fmt: skip
def test_a_domain_counts_with_its_provider(domain, family):
    assert family_of(domain) == family


def test_a_domain_whose_servers_are_known_counts_with_theirs():
    assert family_by_servers("school.example", ("aspmx.l.google.com.", "alt1.aspmx.l.google.com.")) == "gmail"
    assert family_by_servers("firm.example", ("firm-example.mail.protection.outlook.com",)) == "microsoft"
    assert family_by_servers("a.own.example", ("mx.own.example",)) == registrable("a.own.example") == "own.example"
