"""`IssueOutbox`: the ledger of one issue as `webstreet.mail.pump.Outbox`."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from webstreet.atoms.newsletter import ledger, mails
from webstreet.atoms.newsletter.models.delivery import Chunk
from webstreet.atoms.newsletter.models.issue import Issue
from webstreet.engine.away import is_away
from webstreet.engine.tasks import every
from webstreet.mail.pump import Envelope, Result, Trouble


@dataclass(frozen=True, slots=True)
class _Unwritten:
    """What could not be written because the database was away, and this process alone knows.

    Attributes:
        rows, results: of a batch that was sent; both empty when nothing of what was claimed has left us.
        chunk: whose lease is to be given back.
    """

    chunk: Chunk
    rows: Sequence[ledger.Row] = ()
    results: Sequence[Result] = ()
    resend_uncertain: bool = False


_unwritten: list[_Unwritten] = []
_lock = threading.Lock()


@every(2)
def write_down() -> None:
    """Write what could not be written when it happened; late is good, as `ledger.record` knows its own attempt again.

    Without it those recipients would become uncertain although their mails were sent, or wait until the lease runs out.
    """
    with _lock:
        while _unwritten:
            known = _unwritten[0]
            if known.rows:
                ledger.record(known.rows, known.results, resend_uncertain=known.resend_uncertain)
                ledger.release(known.chunk)
            else:
                ledger.take_back(known.chunk)
            del _unwritten[0]


class IssueOutbox:
    """For one step of one worker: `close` gives the lease back."""

    def __init__(self, issue: Issue, *, resend_uncertain: bool) -> None:
        self._issue = issue
        self._resend_uncertain = resend_uncertain
        self._mailing = mails.Mailing(issue)
        self._chunk: Chunk | None = None
        self._rows: list[ledger.Row] = []

    def claim(self) -> Sequence[Envelope]:
        while True:
            if self._chunk is None:
                self._chunk = ledger.claim_chunk(self._issue)
                if self._chunk is None:
                    return []
            with self._or_later(_Unwritten(self._chunk)):
                self._rows = ledger.claim_batch(self._issue, self._chunk)
            if self._rows:
                return [self._mailing.envelope(row) for row in self._rows]
            self.close()
            self._issue.refresh_from_db(fields=["started_at", "paused_at", "cancelled_at"])
            if not self._issue.may_send:
                return []

    def record(self, results: Sequence[Result], trouble: Trouble | None) -> None:
        rows, self._rows = self._rows, []
        assert self._chunk is not None  # noqa: S101 claim comes first
        with self._or_later(_Unwritten(self._chunk, rows, results, self._resend_uncertain)):
            ledger.record(rows, results, resend_uncertain=self._resend_uncertain)
        if trouble is None:
            self._issue.server_works()
        elif trouble.pause:
            self._issue.pause(reason=trouble.code)
        else:
            self._issue.wait_for_server(trouble.code)

    def close(self) -> None:
        if self._chunk is not None:
            with self._or_later(_Unwritten(self._chunk)):
                ledger.release(self._chunk)
            self._chunk = None

    @contextlib.contextmanager
    def _or_later(self, known: _Unwritten) -> Iterator[None]:
        """What the database could not be told now is told by `write_down`, and the chunk is no longer ours."""
        try:
            yield
        except Exception as error:
            if is_away(error):
                with _lock:
                    _unwritten.append(known)
                self._chunk = None
            raise
