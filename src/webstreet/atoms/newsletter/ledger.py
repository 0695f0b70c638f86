"""The ledger: claims, and what became of each recipient.

A worker holds the lease of a chunk. Before the bytes of a batch leave, the chunk's row durably marks the ids of its rows as under way;
after the replies their fates are written, and the mark moves on. So a claim touches no delivery row, and what a killed worker leaves
undecided is what the mark names: its open batches, at most two.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import operator
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import connections
from django.db.models import Count, Exists, F, Min, OuterRef, Q
from django.db.models.query import QuerySet
from django.utils import timezone

from webstreet.atoms.newsletter import freezing, outcomes, turns
from webstreet.atoms.newsletter.models.base import alias, atomic
from webstreet.atoms.newsletter.models.counting import COUNTED, HELD, Mark
from webstreet.atoms.newsletter.models.delivery import OPEN, Chunk, Delivery, State
from webstreet.atoms.newsletter.models.issue import Issue
from webstreet.atoms.newsletter.models.lists import Membership
from webstreet.atoms.newsletter.models.subscriber import Subscriber
from webstreet.atoms.newsletter.outcomes import Fate
from webstreet.atoms.newsletter.turns import Gate
from webstreet.kernel.errors import Broken
from webstreet.mail.pump import Outcome, Result

CHUNK_SIZE = 1000
LEASE = dt.timedelta(seconds=180)
"""Renewed with every batch, and every two seconds while the mail server thinks about a message (`outbox.write_down`)."""
ATTEMPTS = 8
RETRY_MINUTES = (1, 5, 15, 60, 120, 240, 480)
"""Wait after each 4xx; in all about 15 hours."""
WORKER_LOST = "worker.lost"
"""Code of who was under way when a worker was lost."""
AGAIN = "again"
"""Code of who is tried again although they may have it."""


_Looked = tuple[int, int, str, str, str, bool]
"""See `_waiting`."""


class Row(NamedTuple):
    """A recipient of a claimed batch."""

    delivery_id: int
    attempt: int
    email: str
    public_id: str
    unsubscribe_token: str


@dataclass(slots=True)
class Lease:
    """A chunk that this worker holds.

    Attributes:
        after: id of the last row that was claimed; empty is True once there is none behind it.
        open: first and last id of each batch that is claimed and not recorded, in order; what the server still thinks about is a batch of
            its own. Changes when the database has it.
    """

    chunk_id: int
    issue_id: int
    mailing_list_id: int
    number: int
    token: str
    total: int
    after: int = 0
    taken: int = 0
    empty: bool = False
    open: list[tuple[int, int]] = field(default_factory=list)

    @property
    def mine(self) -> QuerySet[Chunk]:
        return Chunk.objects.filter(pk=self.chunk_id, lease_token=self.token, closed=False)

    def mark(self, batches: Sequence[tuple[int, int]], looked_at: dt.datetime | None = None) -> bool:
        """Have the chunk's row say that these batches are under way, the oldest first; false: the lease is gone.

        Args:
            looked_at: for the last of them, before it is sent: when its rows were due. False also when the issue may not send any more.
        """
        # A message that the server thinks about for long is marked on its own, and marks what lies between it and the next batch.
        first, last = (batches[0][0], batches[-1][1]) if batches else (None, None)
        connection = connections[alias()]
        adapt = connection.ops.adapt_datetimefield_value
        values: list[Any] = [first, last, adapt(timezone.now() + LEASE), self.chunk_id, self.token]
        if looked_at is not None:
            values[3:3] = [adapt(looked_at)]
            values.append(self.issue_id)
        with connection.cursor() as cursor:
            cursor.execute(_MARK if looked_at is None else _MARK_BEFORE, values)
            return bool(cursor.rowcount)

    @property
    def rows(self) -> QuerySet[Delivery]:
        return Delivery.objects.filter(issue_id=self.issue_id, number=self.number)


_MARK = """
UPDATE newsletter_chunk SET sending_from = %s, sending_to = %s, lease_until = %s WHERE id = %s AND lease_token = %s AND NOT closed
"""
_MARK_BEFORE = """
UPDATE newsletter_chunk SET sending_from = %s, sending_to = %s, lease_until = %s, marked_at = %s
WHERE id = %s AND lease_token = %s AND NOT closed AND EXISTS (
  SELECT 1 FROM newsletter_issue i WHERE i.id = %s AND i.started_at IS NOT NULL AND i.paused_at IS NULL AND i.cancelled_at IS NULL)
"""


def freeze_audience(issue: Issue, *, budget_s: float | None = None) -> bool:
    """Write the ledger rows of an issue, see `freezing`; whether all are written."""
    return freezing.freeze(issue, CHUNK_SIZE, budget_s=budget_s)


# -- Claiming --------------------------------------------------------------------------------------------------------
def claim_chunk(issue: Issue) -> Lease | None:
    """Lease the next open chunk that nobody holds and that is due; of a cancelled issue any. Of lost holders: `take_over_expired`."""
    now = timezone.now()
    due = Q() if issue.cancelled_at else Q(due_at__lte=now)
    with atomic():
        free = Chunk.objects.filter(due, issue=issue, closed=False, lease_until=None)
        chunk = _locked(free.order_by("number")).first()
        if chunk is None:
            return None
        token = secrets.token_hex(8)
        values = {"lease_token": token, "lease_until": now + LEASE, "sending_from": None, "sending_to": None}
        Chunk.objects.filter(pk=chunk.pk).update(**values)
        if chunk.held:
            turns.begin(chunk, now)
    return Lease(chunk.pk, chunk.issue_id, issue.mailing_list_id, chunk.number, token, chunk.total or CHUNK_SIZE)


def _locked(rows: QuerySet[Chunk]) -> QuerySet[Chunk]:
    """SKIP LOCKED where there is such a thing; on SQLite our transactions take the write lock at BEGIN."""
    if connections[alias()].features.has_select_for_update_skip_locked:
        return rows.select_for_update(skip_locked=True)
    return rows


def _left_sending(chunk: Chunk, *, resend: bool) -> None:
    now = timezone.now()
    rows = Delivery.objects.filter(issue_id=chunk.issue_id, number=chunk.number)
    lost = {"state": State.UNCERTAIN, "code": WORKER_LOST, "changed_at": now, "due_at": None}
    again = {"state": State.QUEUED, "code": AGAIN, "changed_at": now, "due_at": None} if resend else lost
    if chunk.sending_from is not None:
        mark = Mark(chunk.number, chunk.sending_from, chunk.sending_to, chunk.marked_at, leased=False)
        # Those first who were tried before: who is queued again would be taken for one of them.
        rows.filter(mark.rows, attempts__gt=0).update(attempts=F("attempts") + 1, **lost)
        rows.filter(mark.rows, attempts=0).update(attempts=1, **again)
    # A release before this one counted the attempt when it claimed.
    rows.filter(state=State.SENDING, attempts__lte=1).update(**again)
    rows.filter(state=State.SENDING).update(**lost)


def claim_batch(lease: Lease, size: int = CHUNK_SIZE, gate: Gate | None = None) -> list[Row]:
    """Mark the next rows of a leased chunk as under way. Empty: nothing to do now, or the lease or the issue's leave to send is gone.

    Who is no longer active or on the list is left out here, at the last moment before the bytes; whom the ``gate`` does not admit gets a
    turn, and the next are looked at until the gate's time is over.
    """
    while not lease.empty:
        now, share = timezone.now(), _share(lease, size)
        found = _waiting(lease, now, share)
        if not found:
            lease.empty = True
            return []
        wanted = [row for row in found if row[5]]
        others = [row[0] for row in found if not row[5]]
        late = gate.admit([row[:3] for row in wanted]) if gate is not None else []
        if late:
            waits = {turn.delivery_id for turn in late}
            wanted = [row for row in wanted if row[0] not in waits]
        batch = [(wanted[0][0], wanted[-1][0])] if wanted else []
        # A transaction only where there are two statements: each step of one is a moment in which the sender has the interpreter.
        with atomic() if others or late else contextlib.nullcontext():
            if not lease.mark(lease.open + batch, looked_at=now):
                return []
            _leave_out(lease, others, now)
            turns.give(late, now)
        # Who is not handed out is not recorded either: a batch is known by its ends. Until the next mark this one names a few too many.
        wanted = _still_open(wanted)
        lease.open += [(wanted[0][0], wanted[-1][0])] if wanted else []
        lease.after, lease.taken = found[-1][0], lease.taken + len(found)
        lease.empty = len(found) < share or lease.taken >= lease.total
        if wanted or (gate is not None and gate.is_late()):
            return [Row(pk, tried + 1, email, key, token) for pk, tried, email, key, token, _ in wanted]
    return []


def _share(lease: Lease, size: int) -> int:
    """At most ``size``, in batches of one size: a small one at the end of each chunk would cost as much as a large one."""
    left = max(1, lease.total - lease.taken)
    return min(size, -(-left // -(-left // size)))


def _waiting(lease: Lease, now: dt.datetime, size: int) -> list[_Looked]:
    """Id, attempts, address, public id, token of the next rows that are due; and whether they still want it."""
    connection = connections[alias()]
    values = [str(Subscriber.Status.ACTIVE), lease.mailing_list_id, lease.issue_id, lease.number, lease.after]
    values += [str(State.QUEUED), str(State.DEFERRED), connection.ops.adapt_datetimefield_value(now), size]
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENTS[connection.vendor], values)
        return _taken_apart(*cursor.fetchone()) if connection.vendor == "mysql" else list(cursor.fetchall())


def _taken_apart(count: int, text: str | None) -> list[_Looked]:
    """Raises `Broken` when a part is missing: whoever's last column it is would look as if they did not want it any more."""
    rows = [line.split("\t") for line in text.split("\n")] if text else []
    if len(rows) != count or not all(len(row) == 6 and row[5] in _WANTED for row in rows):
        raise Broken(
            "The database server cut the list of recipients that was asked for: set its group_concat_max_len to 8 MiB, or look what between"
            " us and it forgets that we set it.",
            code="ledger.cut",
        )
    return [(int(pk), int(tried), email, key, token, _WANTED[wanted]) for pk, tried, email, key, token, wanted in rows]


_WANTED = {"0": False, "1": True}
_WAITING = """
SELECT {columns}
FROM newsletter_delivery d
LEFT JOIN newsletter_subscriber s ON s.id = d.subscriber_id AND s.status = %s
LEFT JOIN newsletter_membership m ON m.subscriber_id = s.id AND m.mailing_list_id = %s
WHERE d.issue_id = %s AND d.number = %s AND d.id > %s AND (d.state = %s OR (d.state = %s AND d.due_at <= %s AND d.attempts > 0))
ORDER BY d.id LIMIT %s
"""
_AS_THEY_ARE = "d.id, d.attempts, s.email, s.public_id, s.unsubscribe_token, m.id IS NOT NULL"
_AS_A_LINE = (
    "d.id, CONCAT_WS('\t', d.id, d.attempts, COALESCE(s.email, ''), COALESCE(s.public_id, ''),"
    " COALESCE(s.unsubscribe_token, ''), m.id IS NOT NULL) AS line"
)
_TOGETHER = "SELECT COUNT(*), GROUP_CONCAT(line ORDER BY id SEPARATOR '\n') FROM ({lines}) AS looked"
_STATEMENTS = {
    "sqlite": _WAITING.format(columns=_AS_THEY_ARE),
    # An object for each UUID would cost more than the rest of the row.
    "postgresql": _WAITING.format(
        columns=_AS_THEY_ARE.replace("s.public_id", "REPLACE(CAST(s.public_id AS text), '-', '')")
    ),
    # The driver is written in Python, and each row that it reads costs. No address has a tab or a line's end.
    "mysql": _TOGETHER.format(lines=_WAITING.format(columns=_AS_A_LINE)),
}


def _still_open(wanted: list[_Looked]) -> list[_Looked]:
    """Without those of a marked batch about whom a late answer came between our look and the mark: after the mark it leaves them alone."""
    tried = [row[0] for row in wanted if row[1]]
    if not tried:
        return wanted
    still = Delivery.objects.filter(pk__in=tried, state__in=(State.QUEUED, State.DEFERRED))
    gone = set(tried) - set(still.values_list("pk", flat=True))
    return [row for row in wanted if row[0] not in gone] if gone else wanted


def _leave_out(lease: Lease, ids: Sequence[int], now: dt.datetime) -> None:
    if ids:
        lease.rows.filter(pk__in=ids).update(state=State.SUPPRESSED, code="unsubscribed", changed_at=now, due_at=None)


# -- Recording -------------------------------------------------------------------------------------------------------
def record(
    lease: Lease, rows: Sequence[Row], results: Iterable[Result], *, resend_uncertain: bool, each: bool = False
) -> None:
    """Write what became of an open batch of a lease, and move the mark on. What is under way stays marked: to be recorded on its own.

    When the lease was given away in the meantime, those rows are uncertain or queued again: the server's answer is better than that guess.
    One that was tried more often since is left alone.

    Args:
        each: every row is an open batch of its own, and between them may lie others.
    """
    now = timezone.now()
    attempts = {row.delivery_id: row.attempt for row in rows}
    waits: list[tuple[int, int]] = []
    known: dict[tuple[Outcome, str, str, int], Fate | None] = {}
    fates = []
    answered: list[int] = []
    for result in sorted(results, key=_KEY):
        key, outcome = result.key, result.outcome
        if outcome is Outcome.UNDER_WAY:
            waits.append((key, key))
        elif outcome in _ANSWERED:
            answered.append(key)
        group = (outcome, result.code, result.reply, attempts[key])
        try:
            fate = known[group]
        except KeyError:
            fate = known[group] = _fate(*group, now, resend_uncertain=resend_uncertain)
        fates.append((key, fate))
    # By both ends: one that the server thought about may be the first of a batch that could not be written.
    ends = zip(rows, rows, strict=True) if each else [(rows[0], rows[-1])]
    mine = {(first.delivery_id, last.delivery_id) for first, last in ends}
    left = sorted([batch for batch in lease.open if batch not in mine] + waits)
    with atomic():
        if lease.mark(left):
            if each:
                told = [(pk, fate) for pk, fate in fates if fate is not None]
                outcomes.write_each(told, now, outcomes.UNDECIDED, -1)
            else:
                outcomes.write(lease.issue_id, lease.number, fates, now)
        else:
            # Whoever goes back into the queue keeps the attempt: `outcomes.write` takes those who were never tried for its own batch.
            # The chunk before its rows, as everybody takes them.
            mark = _mark_of(lease.chunk_id)
            thinks = {pk for pk, _ in waits}
            late = [(pk, fate or Fate(State.QUEUED, attempts[pk])) for pk, fate in fates if pk not in thinks]
            outcomes.write_each(late, now, [State.UNCERTAIN], 0)
            said = set(answered)
            again = _not_under_way(mark, [(pk, fate) for pk, fate in late if pk in said])
            outcomes.write_each(again, now, [State.QUEUED], 0)
            Chunk.objects.filter(pk=lease.chunk_id).update(closed=False, due_at=now)
    # Not before: what could not be written is still under way, and the next batch's mark has to name it.
    lease.open = left


def _mark_of(chunk_id: int) -> tuple[int | None, int | None]:
    """First and last of whoever is under way of a chunk, which is locked."""
    mark = Chunk.objects.select_for_update().filter(pk=chunk_id).values_list("sending_from", "sending_to").first()
    return mark or (None, None)


def _not_under_way(mark: tuple[int | None, int | None], fates: Sequence[tuple[int, Fate]]) -> list[tuple[int, Fate]]:
    """Without those whom another worker is at, unless they have it by now."""
    first, last = mark
    if first is None or last is None:
        return list(fates)
    return [(pk, fate) for pk, fate in fates if fate.state == State.SENT or not first <= pk <= last]


_KEY = operator.attrgetter("key")
_ANSWERED = frozenset({Outcome.SENT, Outcome.FAILED, Outcome.DEFERRED})


def _fate(
    outcome: Outcome, code: str, reply: str, attempt: int, now: dt.datetime, *, resend_uncertain: bool
) -> Fate | None:
    code, reply = code[:40], reply[:200]
    if outcome is Outcome.SENT:
        return Fate(State.SENT, attempt, code)
    if outcome in (Outcome.UNSENT, Outcome.UNDER_WAY):
        return None
    if outcome is Outcome.FAILED or (outcome is Outcome.DEFERRED and attempt >= ATTEMPTS):
        return Fate(State.FAILED, attempt, code, reply or None)
    if outcome is Outcome.DEFERRED:
        minutes = RETRY_MINUTES[min(attempt, len(RETRY_MINUTES)) - 1]
        return Fate(State.DEFERRED, attempt, code, reply or None, now + dt.timedelta(minutes=minutes))
    if resend_uncertain and attempt == 1:
        # Not at once: whatever made the server silent may still be there, and there is only one second try.
        return Fate(State.DEFERRED, attempt, AGAIN, None, now + dt.timedelta(minutes=RETRY_MINUTES[0]))
    return Fate(State.UNCERTAIN, attempt, code, reply or None)


def renew(lease: Lease) -> None:
    """It goes on being held, for what is under way."""
    lease.mine.update(lease_until=timezone.now() + LEASE)


def release(lease: Lease) -> None:
    """Give the lease back: what was claimed and is not recorded has not left us. See `_settle`."""
    with atomic():
        if lease.mine.update(lease_until=None):
            _settle(lease.chunk_id, lease.issue_id, lease.number)


def _settle(chunk_id: int, issue_id: int, number: int) -> None:
    """Count a chunk that nobody holds; close it when nothing in it is open, else say when it is due again."""
    rows = Delivery.objects.filter(issue_id=issue_id, number=number).order_by()
    found = {
        state: (n, first) for state, n, first in rows.values_list("state").annotate(n=Count("id"), first=Min("due_at"))
    }
    values: dict[str, Any] = {name: found.get(name, (0, None))[0] for name in COUNTED}
    values["total"] = sum(n for n, _ in found.values())
    values["held"] = rows.filter(HELD).count() if values["deferred"] else 0
    values |= {"lease_until": None, "lease_token": "", "sending_from": None, "sending_to": None}
    still_open = set(found) & {str(state) for state in OPEN}
    values["closed"] = not still_open
    if still_open == {State.DEFERRED}:
        values["due_at"] = found[State.DEFERRED][1] or timezone.now()
    Chunk.objects.filter(pk=chunk_id).update(**values)


def cancel_chunk(lease: Lease) -> None:
    """Close a leased chunk of a cancelled issue: who got nothing is left out. Who may have it, and is to get it again, is uncertain."""
    now = timezone.now()
    with atomic():
        rows = lease.rows.filter(state__in=(State.QUEUED, State.DEFERRED))
        rows.filter(code=AGAIN, attempts__gt=0).update(state=State.UNCERTAIN, changed_at=now, due_at=None)
        rows.update(state=State.SUPPRESSED, code="cancelled", changed_at=now, due_at=None)
    release(lease)


# -- Trying again ----------------------------------------------------------------------------------------------------
RETRIED: tuple[Any, ...] = (State.FAILED, State.UNCERTAIN)
"""What a person may have tried again. Nobody else's state ever goes back."""


def retriable(issue: Issue, states: Iterable[Any]) -> QuerySet[Delivery]:
    """Recipients in ``states``, of `RETRIED`, who still want this issue: active, and on its list."""
    rows = Delivery.objects.filter(issue=issue, state__in=set(states) & set(RETRIED))
    on_list = Membership.objects.filter(mailing_list=issue.mailing_list_id, subscriber=OuterRef("subscriber_id"))
    return rows.filter(Exists(on_list), subscriber__status=Subscriber.Status.ACTIVE)


def try_again(issue: Issue, states: Iterable[Any]) -> int:
    """Put those of `retriable` back into the queue, with the same Message-ID; how many. Everybody else stays as they are."""
    now, count = timezone.now(), 0
    with atomic():
        found = list(retriable(issue, states).values_list("pk", "number"))
        # Until we are done nobody leases one of these; and they come before the issue, as for a worker that gives one back.
        mine = Chunk.objects.filter(issue=issue, number__in={number for _, number in found})
        chunks = list(mine.select_for_update().order_by("number"))
        if not Issue.locked().filter(pk=issue.pk, cancelled_at=None, archived_at=None).exists():
            return 0
        for start in range(0, len(found), CHUNK_SIZE):
            rows = Delivery.objects.filter(
                pk__in=[pk for pk, _ in found[start : start + CHUNK_SIZE]], state__in=RETRIED
            )
            count += rows.update(state=State.QUEUED, code=AGAIN, reply=None, changed_at=now)
        for chunk in chunks:
            if not chunk.lease_token:
                _settle(chunk.pk, chunk.issue_id, chunk.number)
            Chunk.objects.filter(pk=chunk.pk).update(closed=False, due_at=now)
    return count


def send_uncertain_again(issue: Issue) -> int:
    """`try_again` for the uncertain."""
    return try_again(issue, [State.UNCERTAIN])


def take_over_expired(issue: Issue, *, resend: bool = False) -> None:
    """What workers whose lease ran out left under way becomes ``uncertain``, also while the issue is paused or cancelled.

    Args:
        resend: who was tried for the first time goes back into the queue instead (the policy ``resend``), unless it is cancelled.
    """
    resend = resend and issue.cancelled_at is None
    now = timezone.now()
    for chunk in Chunk.objects.filter(issue=issue, closed=False, lease_until__lt=now).order_by("number")[:100]:
        with atomic():
            gone = _locked(
                Chunk.objects.filter(pk=chunk.pk, lease_token=chunk.lease_token, lease_until__lt=now)
            ).first()
            if gone is not None:
                _left_sending(gone, resend=resend)
                _settle(gone.pk, gone.issue_id, gone.number)
