"""Writing the ledger: the audience, claims, and what became of each recipient.

One worker holds the lease of a chunk. Inside it, a batch of rows is durably marked ``sending`` before its bytes leave and given its
state after the replies; so what a killed worker leaves undecided is at most one batch.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connections
from django.db.models import Exists, F, Min, OuterRef, Q
from django.db.models.query import QuerySet
from django.utils import timezone

from webstreet.atoms.newsletter.models.base import alias, atomic
from webstreet.atoms.newsletter.models.delivery import OPEN, Chunk, Delivery, State
from webstreet.atoms.newsletter.models.issue import Issue
from webstreet.atoms.newsletter.models.lists import Membership
from webstreet.atoms.newsletter.models.subscriber import Subscriber
from webstreet.engine.backends.patience import patiently
from webstreet.mail.pump import Outcome, Result

CHUNK_SIZE = 500
BATCH_SIZE = 100
LEASE = dt.timedelta(seconds=180)
"""Longer than one message can take at the transport's time-outs; renewed with every batch."""
ATTEMPTS = 8
RETRY_MINUTES = (1, 5, 15, 60, 120, 240, 480)
"""Wait after each 4xx; in all about 15 hours."""


@dataclass(frozen=True, slots=True)
class Row:
    """A recipient of a claimed batch."""

    delivery_id: int
    attempt: int
    email: str
    name: str
    public_id: str
    unsubscribe_token: str


def freeze_audience(issue: Issue) -> int:
    """Write one ledger row for each active member of the issue's list, and the chunks; once, whoever calls. Returns the audience."""
    with patiently(), atomic():
        locked = Issue.objects.select_for_update().get(pk=issue.pk)
        if locked.frozen_at is not None:
            return locked.audience
        connection = connections[alias()]
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        with connection.cursor() as cursor:
            cursor.execute(
                _AUDIENCE,
                [issue.pk, CHUNK_SIZE, CHUNK_SIZE, State.QUEUED, now, Subscriber.Status.ACTIVE, locked.mailing_list_id],
            )
            audience = max(0, cursor.rowcount)
            cursor.execute(_CHUNKS, [False, now, issue.pk])
        locked.audience, locked.frozen_at = audience, timezone.now()
        locked.save(update_fields=["audience", "frozen_at"])
        return audience


_AUDIENCE = """
INSERT INTO newsletter_delivery (issue_id, subscriber_id, number, state, attempts, code, changed_at)
SELECT %s, audience.id, (audience.position - (audience.position %% %s)) / %s, %s, 0, '', %s
FROM (
  SELECT s.id AS id, ROW_NUMBER() OVER (ORDER BY s.id) - 1 AS position
  FROM newsletter_subscriber s JOIN newsletter_membership m ON m.subscriber_id = s.id
  WHERE s.status = %s AND m.mailing_list_id = %s
) audience
"""
_CHUNKS = """
INSERT INTO newsletter_chunk (issue_id, number, closed, due_at, lease_token)
SELECT d.issue_id, d.number, %s, %s, '' FROM newsletter_delivery d WHERE d.issue_id = %s GROUP BY d.issue_id, d.number
"""


def claim_chunk(issue: Issue) -> Chunk | None:
    """Lease the next open chunk that is due and free; what a former holder left as ``sending`` becomes ``uncertain``."""
    now = timezone.now()
    with atomic():
        free = Chunk.objects.filter(issue=issue, closed=False, due_at__lte=now)
        chunk = _locked(free.filter(Q(lease_until=None) | Q(lease_until__lt=now)).order_by("number")).first()
        if chunk is None:
            return None
        if chunk.lease_token:
            _left_sending(chunk)
        chunk.lease_token, chunk.lease_until = secrets.token_hex(8), now + LEASE
        chunk.save(update_fields=["lease_token", "lease_until"])
        return chunk


def _locked(rows: QuerySet[Chunk]) -> QuerySet[Chunk]:
    """SKIP LOCKED where there is such a thing; on SQLite our transactions take the write lock at BEGIN."""
    if connections[alias()].features.has_select_for_update_skip_locked:
        return rows.select_for_update(skip_locked=True)
    return rows


def _left_sending(chunk: Chunk) -> None:
    rows = Delivery.objects.filter(issue_id=chunk.issue_id, number=chunk.number, state=State.SENDING)
    rows.update(state=State.UNCERTAIN, code="worker.lost", changed_at=timezone.now())


def claim_batch(issue: Issue, chunk: Chunk, size: int = BATCH_SIZE) -> list[Row]:
    """Mark the next rows of a leased chunk as ``sending``. Empty: nothing to do now, or the lease or the issue's leave to send is gone.

    Who is no longer active is left out here, at the last moment before the bytes.
    """
    while True:
        with atomic():
            if not Issue.objects.get(pk=issue.pk).may_send or not _renew(chunk):
                return []
            now = timezone.now()
            found = list(_waiting(chunk, now).values_list(*_ROW)[:size])
            if not found:
                return []
            active = [row for row in found if _still_wants(row)]
            _mark_sending(active, now)
            _leave_out([row[0] for row in found if not _still_wants(row)], now)
        if active:
            return [
                Row(pk, attempts + 1, email, name, public_id.hex, token)
                for pk, attempts, email, _, name, public_id, token, _ in active
            ]


_ROW = (
    "id",
    "attempts",
    "subscriber__email",
    "subscriber__status",
    "subscriber__name",
    "subscriber__public_id",
    "subscriber__unsubscribe_token",
    "on_list",
)


def _still_wants(row: Sequence[object]) -> bool:
    return row[3] == Subscriber.Status.ACTIVE and bool(row[7])


def _waiting(chunk: Chunk, now: dt.datetime) -> QuerySet[Delivery]:
    rows = Delivery.objects.filter(issue_id=chunk.issue_id, number=chunk.number)
    on_list = Membership.objects.filter(
        mailing_list=OuterRef("issue__mailing_list_id"), subscriber=OuterRef("subscriber_id")
    )
    waiting = rows.filter(Q(state=State.QUEUED) | Q(state=State.DEFERRED, due_at__lte=now))
    return waiting.annotate(on_list=Exists(on_list)).order_by("id")


def _mark_sending(rows: Sequence[tuple[object, ...]], now: dt.datetime) -> None:
    by_attempts: dict[int, list[int]] = {}
    for row in rows:
        by_attempts.setdefault(int(str(row[1])), []).append(int(str(row[0])))
    for attempts, ids in by_attempts.items():
        Delivery.objects.filter(pk__in=ids).update(
            state=State.SENDING, attempts=attempts + 1, changed_at=now, due_at=None
        )


def _leave_out(ids: Sequence[int], now: dt.datetime) -> None:
    if ids:
        Delivery.objects.filter(pk__in=ids).update(
            state=State.SUPPRESSED, code="unsubscribed", changed_at=now, due_at=None
        )


def _renew(chunk: Chunk) -> bool:
    held = Chunk.objects.filter(pk=chunk.pk, lease_token=chunk.lease_token, closed=False)
    return bool(held.update(lease_until=timezone.now() + LEASE))


def record(rows: Iterable[Row], results: Iterable[Result], *, resend_uncertain: bool) -> None:
    """Write what became of a batch. A row that another worker has taken over since (a later attempt) is left alone."""
    attempts = {row.delivery_id: row.attempt for row in rows}
    groups: dict[tuple[Outcome, str, str, int], list[int]] = {}
    for result in results:
        group = (result.outcome, result.code[:40], result.reply[:200], attempts[result.key])
        groups.setdefault(group, []).append(result.key)
    now = timezone.now()
    with atomic():
        for (outcome, code, reply, attempt), ids in groups.items():
            # ``uncertain`` too: a lease may have run out while the server thought; its answer is better than our guess.
            mine = Delivery.objects.filter(pk__in=ids, attempts=attempt, state__in=(State.SENDING, State.UNCERTAIN))
            mine.update(
                changed_at=now,
                reply=reply or None,
                **_fate(outcome, code, attempt, now, resend_uncertain=resend_uncertain),
            )


def _fate(outcome: Outcome, code: str, attempt: int, now: dt.datetime, *, resend_uncertain: bool) -> dict[str, object]:
    if outcome is Outcome.SENT:
        return {"state": State.SENT, "code": code}
    if outcome is Outcome.UNSENT:
        return {"state": State.QUEUED, "code": "", "attempts": attempt - 1}
    if outcome is Outcome.FAILED or (outcome is Outcome.DEFERRED and attempt >= ATTEMPTS):
        return {"state": State.FAILED, "code": code}
    if outcome is Outcome.DEFERRED:
        minutes = RETRY_MINUTES[min(attempt, len(RETRY_MINUTES)) - 1]
        return {"state": State.DEFERRED, "code": code, "due_at": now + dt.timedelta(minutes=minutes)}
    if resend_uncertain and attempt == 1:
        # Not at once: whatever made the server silent may still be there, and there is only one second try.
        return {"state": State.DEFERRED, "code": "again", "due_at": now + dt.timedelta(minutes=RETRY_MINUTES[0])}
    return {"state": State.UNCERTAIN, "code": code}


def release(chunk: Chunk) -> None:
    """Give the lease back; close the chunk when nothing in it is open, else say when it is due again."""
    with atomic():
        if not Chunk.objects.filter(pk=chunk.pk, lease_token=chunk.lease_token).exists():
            return
        rows = Delivery.objects.filter(issue_id=chunk.issue_id, number=chunk.number, state__in=OPEN)
        now = timezone.now()
        values: dict[str, object] = {"lease_until": None, "lease_token": ""}
        if not rows.exists():
            values["closed"] = True
        elif not rows.exclude(state=State.DEFERRED).exists():
            values["due_at"] = rows.aggregate(first=Min("due_at"))["first"] or now
        Chunk.objects.filter(pk=chunk.pk, lease_token=chunk.lease_token).update(**values)


def take_back(chunk: Chunk) -> None:
    """Give the lease back when nothing that was claimed last has left us: those rows go into the queue again."""
    with atomic():
        if Chunk.objects.filter(pk=chunk.pk, lease_token=chunk.lease_token).exists():
            rows = Delivery.objects.filter(issue_id=chunk.issue_id, number=chunk.number, state=State.SENDING)
            rows.update(state=State.QUEUED, attempts=F("attempts") - 1, changed_at=timezone.now())
    release(chunk)


def cancel_chunk(chunk: Chunk) -> None:
    """Close a leased chunk of a cancelled issue: who got nothing is left out."""
    with atomic():
        rows = Delivery.objects.filter(
            issue_id=chunk.issue_id, number=chunk.number, state__in=(State.QUEUED, State.DEFERRED)
        )
        rows.update(state=State.SUPPRESSED, code="cancelled", changed_at=timezone.now(), due_at=None)
    release(chunk)


RETRIED: tuple[Any, ...] = (State.FAILED, State.UNCERTAIN)
"""What a person may have tried again. Nobody else's state ever goes back."""


def retriable(issue: Issue, states: Iterable[Any]) -> QuerySet[Delivery]:
    """Recipients in ``states``, of `RETRIED`, who still want this issue: active, and on its list."""
    rows = Delivery.objects.filter(issue=issue, state__in=set(states) & set(RETRIED))
    on_list = Membership.objects.filter(mailing_list=issue.mailing_list_id, subscriber=OuterRef("subscriber_id"))
    return rows.filter(Exists(on_list), subscriber__status=Subscriber.Status.ACTIVE)


def try_again(issue: Issue, states: Iterable[Any], *, only_first: bool = False) -> int:
    """Put those of `retriable` back into the queue, with the same Message-ID; how many. Everybody else stays as they are.

    Args:
        only_first: only those that were tried once (the policy ``resend``).
    """
    now, count = timezone.now(), 0
    with atomic():
        if not Issue.objects.select_for_update().filter(pk=issue.pk, cancelled_at=None).exists():
            return 0
        rows = retriable(issue, states)
        if only_first:
            rows = rows.filter(attempts=1)
        found = list(rows.values_list("pk", "number"))
        for start in range(0, len(found), CHUNK_SIZE):
            mine = Delivery.objects.filter(
                pk__in=[pk for pk, _ in found[start : start + CHUNK_SIZE]], state__in=RETRIED
            )
            count += mine.update(state=State.QUEUED, code="again", reply=None, changed_at=now)
        numbers = sorted({number for _, number in found})
        for start in range(0, len(numbers), CHUNK_SIZE):
            chunks = Chunk.objects.filter(issue=issue, number__in=numbers[start : start + CHUNK_SIZE])
            chunks.update(closed=False, due_at=now)
    return count


def send_uncertain_again(issue: Issue, *, only_first: bool = False) -> int:
    """`try_again` for the uncertain."""
    return try_again(issue, [State.UNCERTAIN], only_first=only_first)


def take_over_expired(issue: Issue) -> None:
    """What workers whose lease ran out left as ``sending`` becomes ``uncertain``, also while the issue is paused or cancelled."""
    now = timezone.now()
    for chunk in Chunk.objects.filter(issue=issue, closed=False, lease_until__lt=now).order_by("number")[:100]:
        with atomic():
            gone = Chunk.objects.filter(pk=chunk.pk, lease_token=chunk.lease_token, lease_until__lt=now)
            if gone.update(lease_until=None, due_at=now):
                _left_sending(chunk)
                Chunk.objects.filter(pk=chunk.pk).update(lease_token="")
                if not Delivery.objects.filter(issue=issue, number=chunk.number, state__in=OPEN).exists():
                    Chunk.objects.filter(pk=chunk.pk).update(closed=True)
