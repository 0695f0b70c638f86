"""When an issue does harm, to its readers' patience and to its sender's name, it pauses itself until a person has looked."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils import timezone

from webstreet.atoms.newsletter import events, ledger, mails, pacing
from webstreet.atoms.newsletter.atom import Sending
from webstreet.atoms.newsletter.events import Kind, Rates, Told
from webstreet.atoms.newsletter.models.change import Change
from webstreet.atoms.newsletter.models.issue import Counts, Issue
from webstreet.atoms.newsletter.models.limits import Looked
from webstreet.engine.tasks import every
from webstreet.mail.pump import Outcome, Result
from webstreet.mail.reason import Reason

BOUNCES, COMPLAINTS = "issue.bounces", "issue.complaints"
COMPLAINTS_MIN = 3
"""One reader who presses the wrong button stops no issue."""
SHARE = 0.1
"""Of the time of a worker, at most so much goes into looking at an issue whose mails are refused."""
_noted: set[int] = set()
"""Issues with answers in this process that may stop them, and that `check_noted` has not looked at yet."""
_not_before: dict[int, float] = {}
"""When it may look at an issue again, in monotonic seconds."""
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """What became of the mails of an issue since a person last looked. ``asked``: recipients that mail servers were asked about."""

    asked: int
    bounced: int
    accepted: int
    complained: int

    @classmethod
    def of(cls, rates: Rates, looked: Looked) -> Standing:
        refused = max(0, rates.refused - looked.refused)
        accepted = max(0, rates.accepted - looked.accepted)
        return cls(
            asked=accepted + refused,
            bounced=refused + max(0, rates.hard - looked.bounced),
            accepted=accepted,
            complained=max(0, rates.complaints - looked.complained),
        )

    @property
    def bounces_percent(self) -> float:
        return 100 * self.bounced / self.asked if self.asked else 0.0

    @property
    def complaints_percent(self) -> float:
        return 100 * self.complained / self.accepted if self.accepted else 0.0

    def trouble(self, sending: Sending) -> str:
        """`BOUNCES`, `COMPLAINTS`, or empty when all is within the limits."""
        many = sending.pause_after
        if self.asked >= many and sending.pause_at_bounces_percent < min(100, self.bounces_percent):
            return BOUNCES
        enough = self.accepted >= many and self.complained >= COMPLAINTS_MIN
        if enough and sending.pause_at_complaints_percent < min(100, self.complaints_percent):
            return COMPLAINTS
        return ""


def standing(issue: Issue, counts: Counts) -> Standing:
    looked = Looked.objects.filter(issue=issue).first() or Looked()
    return Standing.of(events.rates(issue, counts), looked)


def check(issue: Issue) -> bool:
    """Pause a running issue that is over a limit; whether this call did. For whoever has written down a bounce or a complaint."""
    # Of one that is over there is nothing left to pause. That first: to count all that came back costs more.
    if not issue.may_send or issue.archived_at is not None or issue.is_finished:
        return False
    counts = issue.counts
    if issue.frozen_at and not counts.open:
        return False
    code = standing(issue, counts).trouble(mails.parameters().sending)
    if not code or not issue.pause(reason=code):
        return False
    Change.note(Change.Verb.PAUSED, issue, by=None)
    logger.warning("issue.paused_itself", extra={"issue": issue.pk, "code": code})
    return True


def check_all(issue_ids: Iterable[int | None]) -> None:
    """`check` those of them that run."""
    running = Issue.objects.filter(pk__in={pk for pk in issue_ids if pk}, paused_at=None, cancelled_at=None)
    for issue in running.filter(started_at__isnull=False).defer("html", "text"):
        check(issue)


def check_told(told: Iterable[Told]) -> None:
    """`check_all` after events are written down; not for those that stop no issue, as most do: that somebody got their mail."""
    check_all(one.mail.issue_id for one in told if one.kind in (Kind.HARD, Kind.COMPLAINT))


@every(5)
def check_noted() -> None:
    """`check` those that `note_answers` has met since, each as often as `SHARE` allows: at once while little came back, and after the last
    answer some seconds later. Never raises: what could not be looked at now is looked at the next time.
    """
    start = time.monotonic()
    for issue_id in [pk for pk in set(_noted) if _not_before.get(pk, start) <= start]:
        _noted.discard(issue_id)
        begun = time.monotonic()
        try:
            check_all([issue_id])
        except Exception as error:  # noqa: BLE001 the mails are gone, and what became of them is written down
            _noted.add(issue_id)
            # Of the error only the kind: the rest may name somebody.
            logger.error("limits.not_checked", extra={"error": type(error).__name__})
        end = time.monotonic()
        _not_before[issue_id] = end + (end - begun) / SHARE
    for issue_id in [pk for pk, moment in list(_not_before.items()) if moment <= start]:
        _not_before.pop(issue_id, None)


def looked_at(issue: Issue) -> None:
    """A person lets it go on: what happened until now is not held against the rest."""
    if issue.trouble in (BOUNCES, COMPLAINTS):
        rates = events.rates(issue, issue.counts)
        values = {"accepted": rates.accepted, "refused": rates.refused, "bounced": rates.hard}
        Looked.objects.update_or_create(issue=issue, defaults=values | {"complained": rates.complaints})


def note_answers(issue_id: int, rows: Sequence[ledger.Row], results: Iterable[Result]) -> None:
    """What the replies to a batch say about how fast to go on, and whether (see `check_noted`). When all went well it costs a look at each
    result.

    Never raises, as the batch is recorded: what could not be noted is noted with the next such reply.
    """
    told = [result for result in results if result.reason]
    if not told:
        return
    try:
        slow = pacing.slow_downs_in(told, {row.delivery_id: row.email for row in rows})
        if slow:
            pacing.note_slow_downs(slow, timezone.now())
        if any(result.outcome is Outcome.FAILED and result.reason is Reason.RECIPIENT for result in told):
            _noted.add(issue_id)
        if _noted:
            check_noted()
    except Exception as error:  # noqa: BLE001 the mails are gone, and what became of them is written down
        # Of the error only the kind: the rest may name somebody.
        logger.error("limits.not_noted", extra={"error": type(error).__name__})
