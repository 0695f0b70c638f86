"""What follows from which event: the rules, without a database."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webstreet.atoms.newsletter.events_policy import (
    NOT_THEIRS,
    SOFT_MAX,
    SOFT_SPAN,
    SOFT_WITHIN,
    Verdict,
    editor_may_lift,
    kind_of_failure,
    person_may_return,
    stricter,
    verdict,
)
from webstreet.mail.reason import Reason

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def judged(
    kind: str, reason: Reason = Reason.NONE, *, softs: list[dt.datetime] | None = None, about: int = 0
) -> Verdict:
    return verdict(kind, reason, about=NOW - about * DAY, since=NOW - 100 * DAY, softs=softs or [])


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("hard", Verdict.BOUNCE),
        ("complaint", Verdict.COMPLAINT),
        ("unsubscribed", Verdict.UNSUBSCRIBE),
        ("delivered", Verdict.NOTHING),
    ],
)
def test_what_follows_at_once(kind, wanted):
    assert judged(kind) is wanted


@pytest.mark.parametrize("reason", list(Reason))
def test_only_a_recipient_who_is_gone_for_good_is_a_hard_bounce(reason):
    assert kind_of_failure(reason, for_good=True) == ("hard" if reason is Reason.RECIPIENT else "soft")
    assert kind_of_failure(reason, for_good=False) == "soft"


def moments(count: int, span: dt.timedelta) -> list[dt.datetime]:
    return [NOW - span * i / (count - 1) for i in range(count)]


@pytest.mark.parametrize(
    ("softs", "wanted"),
    [
        (moments(SOFT_MAX, SOFT_SPAN), Verdict.BOUNCE),
        (moments(SOFT_MAX - 1, SOFT_SPAN * 2), Verdict.NOTHING),
        (moments(SOFT_MAX * 3, SOFT_SPAN - DAY), Verdict.NOTHING),
        (moments(SOFT_MAX, SOFT_WITHIN + DAY), Verdict.NOTHING),
        ([], Verdict.NOTHING),
    ],
    ids=["enough", "one too few", "many in a few days", "too far apart", "none"],
)
def test_soft_bounces_end_it_only_when_many_over_some_time(softs, wanted):
    assert judged("soft", Reason.FULL, softs=softs) is wanted


@pytest.mark.parametrize("reason", sorted(NOT_THEIRS))
def test_nobody_is_struck_for_a_refused_sender_or_content(reason):
    assert judged("soft", reason, softs=moments(50, SOFT_SPAN * 3)) is Verdict.NOTHING


@given(st.sampled_from(["hard", "soft", "complaint", "unsubscribed", "delivered"]), st.integers(1, 10**6))
def test_who_came_back_after_the_mail_had_left_is_not_struck_for_it(kind, seconds):
    about = NOW - dt.timedelta(seconds=seconds)
    assert verdict(kind, Reason.RECIPIENT, about=about, since=NOW, softs=[NOW] * 9) is Verdict.NOTHING


def test_who_may_undo_what():
    assert {r for r in ("", "bounce", "complaint", "editor", "erased") if editor_may_lift(r)} == {
        "",
        "bounce",
        "editor",
    }
    assert {r for r in ("", "bounce", "complaint", "editor", "erased") if person_may_return(r)} == {
        "bounce",
        "complaint",
    }
    assert stricter("complaint", "bounce")
    assert not stricter("bounce", "complaint")
    assert not stricter("complaint", "editor"), "an editor's word stays"
