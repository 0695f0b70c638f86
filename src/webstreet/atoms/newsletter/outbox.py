"""`IssueOutbox`: the ledger of one issue as `webstreet.mail.pump.Outbox`."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field

from webstreet.atoms.newsletter import events, harm, ledger, mails
from webstreet.atoms.newsletter.ledger import Lease
from webstreet.atoms.newsletter.models.issue import Issue
from webstreet.atoms.newsletter.pacing import Gate
from webstreet.engine.away import is_away
from webstreet.engine.tasks import every
from webstreet.kernel.errors import WebstreetError
from webstreet.mail.pump import Envelope, Outcome, Result, Trouble


@dataclass(frozen=True, slots=True, eq=False)
class _Unwritten:
    """What is still to be written and this process alone knows: the database was away, or the mail server is still thinking.

    Attributes:
        rows, results: of a batch that was sent; both empty: the lease is to be given back, unless a batch of it is still unwritten.
        later: instead of ``results``: of a single row, its one result when there is one.
        thread: that holds the lease, and may go on claiming of it.
    """

    lease: Lease
    rows: Sequence[ledger.Row] = ()
    results: Sequence[Result] = ()
    resend_uncertain: bool = False
    later: Future[Result] | None = None
    thread: int = field(default_factory=threading.get_ident)

    @property
    def waits(self) -> bool:
        return self.later is not None and not self.later.done()


logger = logging.getLogger(__name__)
_WORKS = frozenset({Outcome.SENT, Outcome.FAILED})
"""What a server that works says. One that defers everybody or hangs up each time is given more and more time."""
_unwritten: list[_Unwritten] = []
_lock = threading.Lock()


@every(2)
def write_down() -> None:
    """Write what could not be written when it happened; late is good, as `ledger.record` knows its own attempt again.

    Without it those recipients would become uncertain although their mails were sent, or wait until the lease runs out.
    """
    with _lock:
        ready = [known for known in _unwritten if not known.waits]
        # Batches first, as they mark who is under way of them; leases last.
        for known in ready:
            if known.rows and known.later is None:
                _write_down([known])
        # Hundreds who were one request for many are answered at the same moment.
        for told in _by_lease([known for known in ready if known.later is not None]):
            _write_down(told)
        for waiting in _by_lease([known for known in _unwritten if known.waits]):
            _renew(waiting[0].lease)
        for known in ready:
            if not known.rows and not any(other.rows and other.lease is known.lease for other in _unwritten):
                _write_down([known])


def _renew(lease: Lease) -> None:
    try:
        ledger.renew(lease)
    except Exception as error:
        if is_away(error):
            raise
        # Once more in two seconds, long before it runs out.
        logger.error("outbox.not_renewed", extra={"error": type(error).__name__})


def _by_lease(found: Sequence[_Unwritten]) -> Sequence[list[_Unwritten]]:
    groups: dict[tuple[int, bool], list[_Unwritten]] = {}
    for known in found:
        groups.setdefault((id(known.lease), known.resend_uncertain), []).append(known)
    return list(groups.values())


def _write_down(told: Sequence[_Unwritten]) -> None:
    """Together what is of one lease; see `write_down`."""
    try:
        _write_together(told)
    except Exception as error:
        if is_away(error):
            raise
        if len(told) > 1:
            # It is about one of them, perhaps.
            for known in told:
                _write_down([known])
            return
        # It would fail for ever, and hold up all others: its lease runs out, and its rows become uncertain. Of the error only the
        # kind: the rest may name somebody.
        logger.error("outbox.never_written", extra={"error": type(error).__name__})
    for known in told:
        _unwritten.remove(known)


def _write_together(told: Sequence[_Unwritten]) -> None:
    lease, resend = told[0].lease, told[0].resend_uncertain
    rows = [row for known in told for row in known.rows]
    if not rows:
        if not lease.open:
            ledger.release(lease)
        return
    late = [known.later.result() for known in told if known.later is not None]
    results = late or told[0].results
    ledger.record(lease, rows, results, resend_uncertain=resend, each=bool(late))
    events.note_replies(lease.issue_id, rows, results)
    harm.note_answers(lease.issue_id, rows, results)
    if any(result.outcome in _WORKS for result in results):
        Issue.slow_server_works(lease.issue_id)


def wait_for_answers(seconds: float) -> None:
    """Until the mail server has answered about every message that is under way, at most so long."""
    with _lock:
        waited_for = [known.later for known in _unwritten if known.later is not None]
    wait(waited_for, seconds)


def _taken_up(issue: Issue) -> Lease | None:
    """A lease that this thread kept because the server thinks about some of its messages: there may be more to claim of it."""
    with _lock:
        for known in _unwritten:
            mine = known.thread == threading.get_ident() and known.lease.issue_id == issue.pk
            if mine and not (known.rows or known.lease.empty) and _only_waits(known.lease):
                _unwritten.remove(known)
                return known.lease
    return None


def _only_waits(lease: Lease) -> bool:
    """Not so when what became of a batch could not be written: nothing more is to be claimed then."""
    mine = [known for known in _unwritten if known.rows and known.lease is lease]
    return bool(mine) and all(known.later is not None for known in mine)


@dataclass(slots=True)
class _Batch:
    """Claimed and not recorded. ``refused``: results of rows that no message could be made for."""

    lease: Lease
    rows: Sequence[ledger.Row]
    refused: list[Result] = field(default_factory=list)


class IssueOutbox:
    """For one step of one worker: `close` gives back what is still leased. ``gate``: the limits, if there are any."""

    def __init__(self, issue: Issue, *, resend_uncertain: bool, gate: Gate | None = None) -> None:
        self._issue = issue
        self._gate = gate
        self._resend_uncertain = resend_uncertain
        self._mailing = mails.Mailing(issue)
        self._lease = _taken_up(issue)
        self._held: list[Lease] = [] if self._lease is None else [self._lease]
        self._open: deque[_Batch] = deque()
        self._later: list[_Unwritten] = []
        self._broken: list[Lease] = []

    def claim(self, limit: int) -> Sequence[Envelope]:
        if self._gate is None:
            return self._claim(limit)
        allowed = self._gate.allow(limit)
        found = self._claim(allowed) if allowed else []
        try:
            self._gate.give_back(allowed - len(found), allowed)
        except BaseException:
            if found:
                self._unsend(self._open.pop())
            raise
        return found

    def _claim(self, limit: int) -> Sequence[Envelope]:
        while True:
            if self._lease is None:
                self._lease = ledger.claim_chunk(self._issue)
                if self._lease is None:
                    return []
                self._held.append(self._lease)
            batch = _Batch(self._lease, ledger.claim_batch(self._lease, limit, self._gate))
            if batch.rows:
                try:
                    envelopes = list(self._envelopes(batch))
                except BaseException:
                    self._unsend(batch)
                    raise
                if envelopes:
                    self._open.append(batch)
                    return envelopes
                # Not by `record`: an older batch may be under way.
                self._write(batch, batch.refused)
                continue
            was_refused = not self._lease.empty
            self._lease = None
            self._give_back()
            if was_refused:
                self._issue.refresh_from_db(fields=["started_at", "paused_at", "cancelled_at"])
            if not self._issue.may_send or (self._gate is not None and self._gate.is_late()):
                return []

    def _envelopes(self, batch: _Batch) -> Iterator[Envelope]:
        for row in batch.rows:
            try:
                yield self._mailing.envelope(row)
            except WebstreetError as error:
                batch.refused.append(Result(row.delivery_id, Outcome.FAILED, error.error_code))

    def _unsend(self, batch: _Batch) -> None:
        """It is marked, and nobody was told of it: nothing of it leaves."""
        refused = {result.key for result in batch.refused}
        unsent = [Result(row.delivery_id, Outcome.UNSENT) for row in batch.rows if row.delivery_id not in refused]
        self._write(batch, [*batch.refused, *unsent])

    def record(self, results: Sequence[Result], trouble: Trouble | None) -> None:
        batch = self._open.popleft()
        all_of_it = [*results, *batch.refused]
        try:
            self._write(batch, all_of_it)
        finally:
            self._await(batch, results)
        self._give_back()
        if any(result.outcome in _WORKS for result in results):
            # Also before a trouble: who waits longer each time for a server that takes some each time, stands still at last.
            self._issue.server_works()
        if trouble is not None and trouble.pause:
            self._issue.pause(reason=trouble.code)
        elif trouble is not None:
            self._issue.wait_for_server(trouble.code)
        # At last: what it cannot write makes the issue slower, and nothing else.
        if self._gate is not None:
            self._gate.give_back(sum(result.outcome is Outcome.UNSENT for result in results), len(results))

    def _await(self, batch: _Batch, results: Sequence[Result]) -> None:
        rows = {row.delivery_id: row for row in batch.rows} if any(result.later for result in results) else {}
        for result in results:
            if result.later is not None:
                row = (rows[result.key],)
                self._later.append(_Unwritten(batch.lease, row, (), self._resend_uncertain, result.later))

    def _write(self, batch: _Batch, results: Sequence[Result]) -> None:
        """`ledger.record`. When it fails the chunk is not given back here: its mark alone says that those mails may have left."""
        try:
            with self._or_later(_Unwritten(batch.lease, batch.rows, results, self._resend_uncertain)):
                ledger.record(batch.lease, batch.rows, results, resend_uncertain=self._resend_uncertain)
        except BaseException:
            self._keep_marked(batch.lease)
            raise
        events.note_replies(batch.lease.issue_id, batch.rows, results)
        harm.note_answers(batch.lease.issue_id, batch.rows, results)

    def _keep_marked(self, lease: Lease) -> None:
        """Until `write_down` has told everything about it, or the lease runs out and the rows become uncertain."""
        if lease in self._held:
            self._held.remove(lease)
            self._broken.append(lease)
        if self._lease is lease:
            self._lease = None

    def _give_back(self) -> None:
        """Release each chunk that nothing more is claimed of and nothing is under way of."""
        busy = [self._lease, *(batch.lease for batch in self._open)]
        done = [lease for lease in self._held if all(lease is not other for other in busy) and not lease.open]
        with contextlib.ExitStack() as stack:
            for lease in done:
                self._held.remove(lease)
                # Each of them, whatever becomes of the others.
                stack.callback(self._release, lease)

    def _release(self, lease: Lease) -> None:
        with self._or_later(_Unwritten(lease)):
            ledger.release(lease)

    def close(self) -> None:
        self._lease = None
        try:
            self._give_back()
        finally:
            # Only now: nobody else changes these leases any more, and all batches of one go before its release.
            with _lock:
                _unwritten.extend([*self._later, *map(_Unwritten, [*self._held, *self._broken])])
            self._later, self._held, self._broken = [], [], []

    @contextlib.contextmanager
    def _or_later(self, known: _Unwritten) -> Iterator[None]:
        """What the database could not be told now is told by `write_down`."""
        try:
            yield
        except Exception as error:
            if is_away(error):
                self._later.append(known)
            raise
