"""How many recipients of an issue are in which state, without reading a million rows: the live pages ask every second.

Each chunk holds what was counted when its lease was given back. Only rows of chunks that are leased now, a thousand for each worker, are
counted when somebody asks.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import BooleanField, Case, Count, F, Max, Q, Sum, Value, When
from django.utils import timezone

COUNTED = ("sent", "deferred", "failed", "suppressed", "uncertain")
"""What a chunk counts; the rest of its ``total`` is queued. Of the deferred it counts besides how many are held."""
HELD = Q(state="deferred", attempts=0, code="limit")
"""The deliveries that wait for their turn, see `webstreet.atoms.newsletter.models.delivery.LIMIT`."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many recipients are in which state; always adds up to the audience."""

    queued: int = 0
    claimed: int = 0
    sending: int = 0
    sent: int = 0
    held: int = 0
    deferred: int = 0
    failed: int = 0
    suppressed: int = 0
    uncertain: int = 0

    @property
    def total(self) -> int:
        return self.decided + self.open

    @property
    def open(self) -> int:
        return self.queued + self.claimed + self.sending + self.held + self.deferred

    @property
    def decided(self) -> int:
        return self.sent + self.failed + self.suppressed + self.uncertain

    @property
    def percent(self) -> int:
        return 100 if not self.total else self.decided * 100 // self.total


@dataclass(frozen=True, slots=True)
class Mark:
    """Which rows of a leased chunk may be under way: ids from ``first`` to ``last``, at the moment ``at``. ``first`` None: none."""

    number: int
    first: int | None
    last: int | None
    at: dt.datetime | None
    leased: bool

    @property
    def rows(self) -> Q:
        return Q(number=self.number, id__range=(self.first, self.last)) & (
            Q(state="queued") | Q(state="deferred", due_at__lte=self.at, attempts__gt=0)
        )


def marked(marks: Iterable[Mark]) -> Q:
    """The deliveries (of one issue) that ``marks`` say are under way."""
    found = Q(state="sending")  # written by a release before this one
    for mark in marks:
        if mark.first is not None:
            found |= mark.rows
    return found


def marks_of(issue: Any) -> list[Mark]:
    """Of the chunks that are leased now, or were by a worker that is gone."""
    now = timezone.now()
    leased = issue.chunks.filter(closed=False).exclude(lease_token="").order_by("number")
    values = leased.values_list("number", "sending_from", "sending_to", "marked_at", "lease_until")
    return [Mark(n, first, last, at, bool(until and until > now)) for n, first, last, at, until in values]


def counts_of(issue: Any) -> Counts:
    """Two queries, each a moment of its own; that of the chunks says how many there are altogether."""
    if issue.archived_at is not None:
        return Counts(**{name: n for name, n in (issue.totals or {}).items() if name in Counts.__dataclass_fields__})
    settled: Counter[str] = Counter()
    marks = []
    for row in _chunks(issue):
        if row["live"]:
            leased = bool(row["until"] and row["until"] > timezone.now())
            marks.append(Mark(row["live"] - 1, row["first"], row["last"], row["at"], leased))
        else:
            settled.update({name: row[f"{name}_"] or 0 for name in COUNTED})
            settled["queued"] += (row["total_"] or 0) - sum(row[f"{name}_"] or 0 for name in COUNTED)
            settled.update(held=row["held_"] or 0, deferred=-(row["held_"] or 0))
    return Counts(**(settled + _live(issue, marks)))


def _chunks(issue: Any) -> Sequence[dict[str, Any]]:
    """One row for all that are settled (``live`` 0), and one for each other: its number + 1."""
    live = Case(When(lease_token="", total__isnull=False, then=Value(0)), default=F("number") + 1)
    sums = {f"{name}_": Sum(name) for name in ("total", "held", *COUNTED)}
    marks = {
        "first": Max("sending_from"),
        "last": Max("sending_to"),
        "at": Max("marked_at"),
        "until": Max("lease_until"),
    }
    return list(issue.chunks.order_by().annotate(live=live).values("live").annotate(**sums, **marks))


def _live(issue: Any, marks: Sequence[Mark]) -> Counter[str]:
    if not marks:
        return Counter()
    rows = issue.deliveries.order_by().filter(number__in=[mark.number for mark in marks])
    under_way = Case(When(marked(marks), then=Value(True)), default=Value(False), output_field=BooleanField())
    waits = Case(When(HELD, then=Value(True)), default=Value(False), output_field=BooleanField())
    found: Counter[str] = Counter()
    leased = {mark.number for mark in marks if mark.leased}
    shown = rows.annotate(moving=under_way, waits=waits)
    for number, state, moving, held, n in shown.values_list("number", "state", "moving", "waits").annotate(
        n=Count("id")
    ):
        name = "sending" if moving else "claimed" if state == "queued" and number in leased else state
        found["held" if held else name] += n
    return found
