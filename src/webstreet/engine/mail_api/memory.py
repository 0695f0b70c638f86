"""What a provider's answers say about the requests after them, also those that came when nobody waited for them any more."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from webstreet.mail.pump import Envelope, Outcome, Result, Trouble
from webstreet.mail.smtp import EVIDENCE

POLICY = Trouble("sender.policy", pause=True)
KEPT_S = 900.0
"""What was heard longer ago says nothing about now."""
APART_MAX = 5000


@dataclass(slots=True)
class Answer:
    """What became of one request.

    Attributes:
        doubts: refused for a reason for which all others may be refused too.
        apart: of a request for many that was refused as a whole: who may be asked for together instead.
        less_s: the provider wants nothing for so long.
    """

    results: list[Result] = field(default_factory=list)
    doubts: list[Result] = field(default_factory=list)
    apart: Sequence[Sequence[Envelope]] = ()
    trouble: Trouble | None = None
    less_s: float = 0.0


class Memory:
    """Outlives the calls of `ApiTransport.send`. ``doubts``: refused since the provider took something."""

    def __init__(self) -> None:
        self.doubts = 0
        self._pending: Trouble | None = None
        self._at = 0.0
        self._is_told = False
        self._parts: dict[int, int] = {}
        self._parts_made = 0

    @property
    def is_everybodys(self) -> bool:
        """Whether so many were refused, and nobody taken, that it cannot be about each of them."""
        return self.doubts >= EVIDENCE

    def note(self, answer: Answer, *, late: bool) -> None:
        """``late``: the call of `ApiTransport.send` that would tell its trouble is over."""
        now = time.monotonic()
        self._forget_old(now)
        self._at = now
        if any(result.outcome is Outcome.SENT for result in answer.results):
            self.doubts = 0
            if self._pending is not None and not self._pending.pause:
                self._pending = None
        self.doubts += len(answer.doubts)
        for result in (*answer.results, *answer.doubts):
            if result.outcome is not Outcome.UNSENT:
                self._parts.pop(result.key, None)
        for part in answer.apart:
            self._parts_made += 1
            for envelope in part:
                self._parts[envelope.key] = self._parts_made
        while len(self._parts) > APART_MAX:
            del self._parts[next(iter(self._parts))]
        if not late:
            return
        found = POLICY if answer.doubts and self.is_everybodys else None if answer.less_s else answer.trouble
        if found is not None and (self._pending is None or found.pause):
            self._pending = found

    def pending(self) -> Trouble | None:
        """One that was heard too late to be told; once."""
        self._forget_old(time.monotonic())
        found, self._pending = self._pending, None
        if found is POLICY:
            self.told()
        return found

    def told(self) -> None:
        """Somebody hears of the evidence: what is asked after that is judged anew, what was asked before is not."""
        self._is_told = True

    def begin(self) -> None:
        """A request is made."""
        if self._is_told:
            self.doubts, self._is_told = 0, False

    def part_of(self, envelope: Envelope) -> int:
        """Only those of one part are asked for together; 0: nothing is known that keeps it from others."""
        return self._parts.get(envelope.key, 0)

    def _forget_old(self, now: float) -> None:
        if now - self._at > KEPT_S:
            self.doubts, self._pending = 0, None
