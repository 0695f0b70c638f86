"""What follows from an event: pure rules, without a database.

A hard bounce (nobody lives there) ends the mails to an address at once, as Amazon SES, Mailgun, Postmark and Mailchimp do: every further
one costs the sender's reputation, which is everybody's. That is not the end: an editor lifts it with a note, and its owner by signing up.
A soft one (full, not now) may pass; only many, of different mails over some time, without one that got through, end them.
A complaint ends them at once, and only the person can undo that. Who is at fault decides: nobody is struck for a refused sender or content.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from webstreet.atoms.newsletter.models.event import Event
from webstreet.atoms.newsletter.models.suppression import Suppression
from webstreet.mail.reason import Reason

SOFT_MAX = 5
"""Soft bounces, of as many mails, that end the mails to an address ..."""
SOFT_WITHIN = dt.timedelta(days=90)
"""... within so long ..."""
SOFT_SPAN = dt.timedelta(days=10)
"""... if the first and the last are so far apart: one long weekend of a full mailbox is not the end."""
NOT_THEIRS = frozenset({Reason.SENDER, Reason.CONTENT})
"""Refusals that say nothing about the recipient."""
ASKED_AGAIN = {Suppression.Reason.BOUNCE: dt.timedelta(days=1), Suppression.Reason.COMPLAINT: dt.timedelta(days=30)}
"""Who may come back by signing up, and how often such a person is asked to confirm: anybody can type anybody's address."""


class Verdict(StrEnum):
    """What is done about a subscriber."""

    NOTHING = "nothing"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"


def kind_of_failure(reason: Reason, *, for_good: bool) -> Any:
    """The kind of a bounce: hard only when the codes say for good that nobody lives there."""
    return Event.Kind.HARD if for_good and reason is Reason.RECIPIENT else Event.Kind.SOFT


def verdict(
    kind: str, reason: str, *, about: dt.datetime, since: dt.datetime, softs: Sequence[dt.datetime] = ()
) -> Verdict:
    """What an event means for a subscriber.

    Args:
        about: when the mail that it is about left, else when the event happened.
        since: when the subscriber became what they are now. What is about an earlier mail was answered by that.
        softs: when the subscriber's mails bounced for now, each mail once, this one included; those since the last that got through.
    """
    if about < since:
        return Verdict.NOTHING
    if kind == Event.Kind.COMPLAINT:
        return Verdict.COMPLAINT
    if kind == Event.Kind.UNSUBSCRIBED:
        return Verdict.UNSUBSCRIBE
    if kind == Event.Kind.HARD:
        return Verdict.BOUNCE
    if kind == Event.Kind.SOFT and reason not in NOT_THEIRS:
        recent = sorted(moment for moment in softs if moment > max(softs) - SOFT_WITHIN)
        if len(recent) >= SOFT_MAX and recent[-1] - recent[0] >= SOFT_SPAN:
            return Verdict.BOUNCE
    return Verdict.NOTHING


def editor_may_lift(reason: str) -> bool:
    """Whether an editor may have an address written to again. Empty: it came suppressed from elsewhere, nobody knows why."""
    return reason in ("", Suppression.Reason.BOUNCE, Suppression.Reason.EDITOR)


def person_may_return(reason: str) -> bool:
    """Whether the owner of a suppressed address may come back by signing up and confirming."""
    return reason in ASKED_AGAIN


def stricter(reason: str, other: str) -> bool:
    """Whether ``reason`` takes the place of ``other``: a complaint is the last word of the two."""
    return reason == Suppression.Reason.COMPLAINT and other in ("", Suppression.Reason.BOUNCE)
