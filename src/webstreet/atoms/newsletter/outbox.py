"""`IssueOutbox`: the ledger of one issue as `webstreet.mail.pump.Outbox`."""

from __future__ import annotations

from collections.abc import Sequence

from webstreet.atoms.newsletter import ledger, mails
from webstreet.atoms.newsletter.models.delivery import Chunk
from webstreet.atoms.newsletter.models.issue import Issue
from webstreet.mail.pump import Envelope, Result, Trouble


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
            self._rows = ledger.claim_batch(self._issue, self._chunk)
            if self._rows:
                return [self._mailing.envelope(row) for row in self._rows]
            self.close()
            self._issue.refresh_from_db(fields=["started_at", "paused_at", "cancelled_at"])
            if not self._issue.may_send:
                return []

    def record(self, results: Sequence[Result], trouble: Trouble | None) -> None:
        ledger.record(self._rows, results, resend_uncertain=self._resend_uncertain)
        self._rows = []
        if trouble is None:
            self._issue.server_works()
        elif trouble.pause:
            self._issue.pause(reason=trouble.code)
        else:
            self._issue.wait_for_server(trouble.code)

    def close(self) -> None:
        chunk, self._chunk = self._chunk, None
        if chunk is not None:
            ledger.release(chunk)
