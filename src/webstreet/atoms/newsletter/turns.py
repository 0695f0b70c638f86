"""Turns: when those of a chunk may go who are over a limit that is not everybody's.

Such a row is ``deferred`` until its turn with the code `LIMIT`, was not tried, and holds up nobody. When a chunk is leased, those whose
turn has come are queued again, and from there on are like all others: a row is written twice more than without a limit, and no more.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from webstreet.atoms.newsletter import outcomes
from webstreet.atoms.newsletter.models.counting import HELD
from webstreet.atoms.newsletter.models.delivery import LIMIT, Chunk, Delivery, State
from webstreet.atoms.newsletter.outcomes import Fate


@dataclass(frozen=True, slots=True)
class Turn:
    """A recipient that has to wait until ``due_at``. ``tried``: how often it was tried before."""

    delivery_id: int
    tried: int
    due_at: dt.datetime


class Gate(Protocol):
    """Who may go now: `webstreet.atoms.newsletter.pacing.Gate`."""

    def admit(self, people: Sequence[tuple[int, int, str]]) -> list[Turn]:
        """Those of ``people`` (id of the delivery, attempts, address) who have to wait; all others go."""

    def is_late(self) -> bool:
        """Whether the step is over, however many are left to look at."""


def give(turns: Sequence[Turn], now: dt.datetime) -> None:
    """Write turns down. Who was tried before keeps what the server said."""
    fresh = [(turn.delivery_id, Fate(State.DEFERRED, 0, LIMIT, None, turn.due_at)) for turn in turns if not turn.tried]
    outcomes.write_each(fresh, now, outcomes.UNDECIDED, 0)
    again: dict[dt.datetime, list[int]] = {}
    for turn in turns:
        if turn.tried:
            again.setdefault(turn.due_at, []).append(turn.delivery_id)
    for due_at, ids in again.items():
        rows = Delivery.objects.filter(pk__in=ids, state__in=outcomes.UNDECIDED)
        rows.update(state=State.DEFERRED, due_at=due_at, changed_at=now)


def begin(chunk: Chunk, now: dt.datetime) -> None:
    """Queue those of a chunk whose turn has come; it was just leased, so nobody else is at its rows."""
    rows = Delivery.objects.filter(HELD, issue_id=chunk.issue_id, number=chunk.number, due_at__lte=now)
    values: dict[str, Any] = {"state": State.QUEUED, "code": "", "due_at": None, "changed_at": now}
    rows.update(**values)
