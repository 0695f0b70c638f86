"""When a key signs, and how long its record stays: times in, times out."""

from __future__ import annotations

import datetime as dt

import pytest

from webstreet.atoms.newsletter.rotation import EAGER, KEEP, LATER, SETTLE, SOON, KeyState, Times, advanced, next_look

NOW = dt.datetime(2026, 7, 14, 12, tzinfo=dt.UTC)
HOUR, DAY, SECOND = dt.timedelta(hours=1), dt.timedelta(days=1), dt.timedelta(seconds=1)


def states(keys: list[Times]) -> dict[int, str]:
    return {key.pk: str(key.state) for key in keys}


def after(*keys: Times, at: dt.datetime = NOW) -> dict[int, str]:
    moved = advanced(keys, at)
    assert advanced(moved, at) == [key for key in moved if not key.removed_at], "asked again, nothing moves"
    return states(moved)


SIGNS = Times(1, NOW - 100 * DAY, NOW - 99 * DAY, NOW - 99 * DAY)


def test_a_key_waits_for_its_record_and_the_first_signs_at_once() -> None:
    assert after(Times(1, NOW)) == {1: "made"}
    assert after(Times(1, NOW - HOUR, NOW)) == {1: "signing"}


def test_the_next_key_takes_over_an_hour_after_its_record_was_seen() -> None:
    new = Times(2, NOW - DAY, NOW)
    assert after(SIGNS, Times(2, NOW - DAY)) == {1: "signing", 2: "made"}
    assert after(SIGNS, new) == {1: "signing", 2: "published"}
    assert after(SIGNS, new, at=NOW + SETTLE - SECOND) == {1: "signing", 2: "published"}
    assert after(SIGNS, new, at=NOW + SETTLE) == {1: "retired", 2: "signing"}


def test_the_record_of_the_old_key_stays_for_seven_days() -> None:
    assert dt.timedelta(days=7) == KEEP
    old = Times(1, NOW - 9 * DAY, NOW - 9 * DAY, NOW - 9 * DAY, retired_at=NOW)
    new = Times(2, NOW - DAY, NOW - DAY, NOW)
    assert after(old, new, at=NOW + KEEP - SECOND) == {1: "retired", 2: "signing"}
    assert after(old, new, at=NOW + KEEP) == {1: "removed", 2: "signing"}


def test_of_several_new_keys_the_newest_that_is_seen_signs_and_older_ones_go() -> None:
    keys = [Times(1, NOW - 3 * HOUR, NOW), Times(2, NOW - 2 * HOUR, NOW), Times(3, NOW - HOUR)]
    assert after(*keys) == {1: "removed", 2: "signing", 3: "made"}


def test_a_key_that_cannot_be_read_never_begins_and_gives_way_to_a_newer_one() -> None:
    assert after(Times(1, NOW - HOUR, NOW, lost=True)) == {1: "published"}
    lost = Times(1, NOW - DAY, NOW - DAY, NOW - DAY, lost=True)
    assert after(lost) == {1: "signing"}
    assert after(lost, Times(2, NOW)) == {1: "retired", 2: "made"}
    assert after(lost, Times(2, NOW, NOW)) == {1: "retired", 2: "signing"}
    assert after(Times(1, NOW - DAY, lost=True), Times(2, NOW)) == {1: "removed", 2: "made"}


def test_what_is_over_stays_over() -> None:
    gone = Times(1, NOW - 9 * DAY, NOW - 9 * DAY, NOW - 9 * DAY, NOW - 8 * DAY, NOW - DAY)
    assert gone.state == KeyState.REMOVED
    assert advanced([gone], NOW) == []


def test_a_clock_that_went_back_moves_nothing() -> None:
    new = Times(2, NOW - DAY, NOW)
    assert after(SIGNS, new, at=NOW - HOUR) == {1: "signing", 2: "published"}


@pytest.mark.parametrize(
    ("made", "pause"), [(None, LATER), (NOW, SOON), (NOW - EAGER + SECOND, SOON), (NOW - EAGER, LATER)]
)
def test_a_new_record_is_looked_for_often(made: dt.datetime | None, pause: dt.timedelta) -> None:
    assert next_look(made, NOW) == NOW + pause
