"""`IssueOutbox`: the ledger of one issue as `webstreet.mail.pump.Outbox`."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from webstreet.atoms.newsletter import events, ledger, mails
from webstreet.atoms.newsletter.ledger import Lease
from webstreet.atoms.newsletter.models.issue import Issue
from webstreet.engine.away import is_away
from webstreet.engine.tasks import every
from webstreet.kernel.errors import WebstreetError
from webstreet.mail.pump import Envelope, Outcome, Result, Trouble


@dataclass(frozen=True, slots=True)
class _Unwritten:
    """What could not be written because the database was away, and this process alone knows.

    Attributes:
        rows, results: of a batch that was sent; both empty: the lease is to be given back, unless a batch of it is still unwritten.
    """

    lease: Lease
    rows: Sequence[ledger.Row] = ()
    results: Sequence[Result] = ()
    resend_uncertain: bool = False


logger = logging.getLogger(__name__)
_unwritten: list[_Unwritten] = []
_lock = threading.Lock()


@every(2)
def write_down() -> None:
    """Write what could not be written when it happened; late is good, as `ledger.record` knows its own attempt again.

    Without it those recipients would become uncertain although their mails were sent, or wait until the lease runs out.
    """
    with _lock:
        while _unwritten:
            try:
                _write_down(_unwritten[0])
            except Exception as error:
                if is_away(error):
                    raise
                # It would fail for ever, and hold up all others: its lease runs out, and its rows become uncertain. Of the error only the
                # kind: the rest may name somebody.
                logger.error("outbox.never_written", extra={"error": type(error).__name__})
            del _unwritten[0]


def _write_down(known: _Unwritten) -> None:
    if known.rows:
        ledger.record(known.lease, known.rows, known.results, resend_uncertain=known.resend_uncertain)
        events.note_replies(known.lease.issue_id, known.rows, known.results)
    elif not known.lease.open:
        ledger.release(known.lease)


@dataclass(slots=True)
class _Batch:
    """Claimed and not recorded. ``refused``: results of rows that no message could be made for."""

    lease: Lease
    rows: Sequence[ledger.Row]
    refused: list[Result] = field(default_factory=list)


class IssueOutbox:
    """For one step of one worker: `close` gives back what is still leased."""

    def __init__(self, issue: Issue, *, resend_uncertain: bool) -> None:
        self._issue = issue
        self._resend_uncertain = resend_uncertain
        self._mailing = mails.Mailing(issue)
        self._lease: Lease | None = None
        self._held: list[Lease] = []
        self._open: deque[_Batch] = deque()
        self._later: list[_Unwritten] = []
        self._broken: list[Lease] = []

    def claim(self, limit: int) -> Sequence[Envelope]:
        while True:
            if self._lease is None:
                self._lease = ledger.claim_chunk(self._issue)
                if self._lease is None:
                    return []
                self._held.append(self._lease)
            batch = _Batch(self._lease, ledger.claim_batch(self._issue, self._lease, limit))
            if batch.rows:
                if envelopes := list(self._envelopes(batch)):
                    self._open.append(batch)
                    return envelopes
                # Not by `record`: an older batch may be under way.
                self._write(batch, batch.refused)
                continue
            self._lease = None
            self._give_back()
            self._issue.refresh_from_db(fields=["started_at", "paused_at", "cancelled_at"])
            if not self._issue.may_send:
                return []

    def _envelopes(self, batch: _Batch) -> Iterator[Envelope]:
        for row in batch.rows:
            try:
                yield self._mailing.envelope(row)
            except WebstreetError as error:
                batch.refused.append(Result(row.delivery_id, Outcome.FAILED, error.error_code))

    def record(self, results: Sequence[Result], trouble: Trouble | None) -> None:
        batch = self._open.popleft()
        all_of_it = [*results, *batch.refused]
        self._write(batch, all_of_it)
        self._give_back()
        if trouble is not None and trouble.pause:
            self._issue.pause(reason=trouble.code)
        elif trouble is not None:
            self._issue.wait_for_server(trouble.code)
        elif any(result.outcome is not Outcome.UNSENT for result in results):
            self._issue.server_works()

    def _write(self, batch: _Batch, results: Sequence[Result]) -> None:
        """`ledger.record`. When it fails the chunk is not given back here: its mark alone says that those mails may have left."""
        try:
            with self._or_later(_Unwritten(batch.lease, batch.rows, results, self._resend_uncertain)):
                ledger.record(batch.lease, batch.rows, results, resend_uncertain=self._resend_uncertain)
        except BaseException:
            self._keep_marked(batch.lease)
            raise
        events.note_replies(batch.lease.issue_id, batch.rows, results)

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
        done = [lease for lease in self._held if all(lease is not other for other in busy)]
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
                _unwritten.extend([*self._later, *map(_Unwritten, self._broken)])
            self._later, self._broken = [], []

    @contextlib.contextmanager
    def _or_later(self, known: _Unwritten) -> Iterator[None]:
        """What the database could not be told now is told by `write_down`."""
        try:
            yield
        except Exception as error:
            if is_away(error):
                self._later.append(known)
            raise
