"""What a provider's answers say about the requests after them, also those that came when nobody waited for them any more."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from webstreet.mail.merge import Mergeable
from webstreet.mail.pump import Envelope, Outcome, Result, Trouble
from webstreet.mail.smtp import EVIDENCE

POLICY = Trouble("sender.policy", pause=True)
KEPT_S = 900.0
"""What was heard longer ago says nothing about now."""
APART_MAX = 5000
LETTERS_MAX = 100


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


def letter_of(envelope: Envelope) -> str:
    """Names the mailing: what stands first in its Message-IDs (`webstreet.mail.message.stable_message_id`). Empty: a mail of its own."""
    return envelope.own.message_id.partition(".")[0] if isinstance(envelope, Mergeable) else ""


@dataclass(slots=True)
class _Letter:
    """Attributes:
    doubts: refused since the provider took one of this letter. ``is_probed``: one of them was asked for to learn whom the others are about.
    is_pending: it is everybody's, and nobody was told yet.
    """

    at: float
    doubts: int = 0
    is_probed: bool = False
    is_told: bool = False
    is_pending: bool = False


class Memory:
    """Outlives the calls of `ApiTransport.send`. What it says of a letter is about that one alone, whoever sends next."""

    def __init__(self) -> None:
        self._letters: dict[str, _Letter] = {}
        self._pending: Trouble | None = None
        self._at = 0.0
        self._parts: dict[int, int] = {}
        self._parts_made = 0

    def doubts(self, letter: str) -> int:
        known = self._letters.get(letter)
        return known.doubts if known is not None else 0

    def are_many(self, letter: str) -> bool:
        """Whether so many were refused, and nobody taken, that it may be about none of them."""
        return self.doubts(letter) >= EVIDENCE

    def is_everybodys(self, letter: str) -> bool:
        """Whether it is: somebody else was refused too, as bad addresses often stand together."""
        return self.are_many(letter) and self._letters[letter].is_probed

    def note(self, answer: Answer, letter: str, *, late: bool, probe: bool) -> None:
        """What became of a request.

        Args:
            late: the call of `ApiTransport.send` that would tell its trouble is over.
            probe: it was for somebody who stands far from those who were refused.
        """
        self._forget_old(time.monotonic())
        self._at = time.monotonic()
        # The one heard of last stands last.
        known = self._letters.pop(letter) if letter in self._letters else _Letter(self._at)
        self._letters[letter] = known
        known.at = self._at
        if any(result.outcome is Outcome.SENT for result in answer.results):
            known.doubts, known.is_probed = 0, False
            if self._pending is not None and not self._pending.pause:
                self._pending = None
        known.doubts += len(answer.doubts)
        known.is_probed = known.is_probed or (probe and bool(answer.doubts))
        self._note_parts(answer)
        while len(self._letters) > LETTERS_MAX:
            del self._letters[next(iter(self._letters))]
        if not late:
            return
        if answer.doubts and self.is_everybodys(letter):
            known.is_pending = True
        elif answer.trouble is not None and not answer.less_s and (self._pending is None or answer.trouble.pause):
            self._pending = answer.trouble

    def _note_parts(self, answer: Answer) -> None:
        for result in (*answer.results, *answer.doubts):
            if result.outcome is not Outcome.UNSENT:
                self._parts.pop(result.key, None)
        for part in answer.apart:
            self._parts_made += 1
            for envelope in part:
                self._parts[envelope.key] = self._parts_made
        while len(self._parts) > APART_MAX:
            del self._parts[next(iter(self._parts))]

    def pending(self, letter: str) -> Trouble | None:
        """One that was heard too late to be told; once. About the account: to whoever asks; about a letter: to who sends that one."""
        self._forget_old(time.monotonic())
        found, self._pending = self._pending, None
        known = self._letters.get(letter)
        if found is not None or known is None or not known.is_pending:
            return found
        known.is_pending, known.is_told = False, True
        return POLICY

    def told(self, letter: str) -> None:
        """Somebody hears of the evidence: what is asked after that is judged anew, what was asked before is not."""
        if (known := self._letters.get(letter)) is not None:
            known.is_told = True

    def begin(self, letter: str) -> None:
        """A request is made."""
        known = self._letters.get(letter)
        if known is not None and known.is_told:
            known.doubts, known.is_probed, known.is_told = 0, False, False

    def part_of(self, envelope: Envelope) -> int:
        """Only those of one part are asked for together; 0: nothing is known that keeps it from others."""
        return self._parts.get(envelope.key, 0)

    def _forget_old(self, now: float) -> None:
        if now - self._at > KEPT_S:
            self._pending = None
        for letter in [letter for letter, known in self._letters.items() if now - known.at > KEPT_S]:
            del self._letters[letter]
