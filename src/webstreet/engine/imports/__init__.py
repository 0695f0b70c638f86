"""Taking over content from other applications: each source is a module that yields records; atoms take them by hooks."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from webstreet.contract.jobs import ImportReport, Rejected

REJECTED_MAX = 10_000
PROGRESS_EVERY = 100
Status = Literal["public", "private", "archived", "draft"]


@dataclass(frozen=True, slots=True)
class ArticleRecord:
    """An article of the source. ``body`` is plain text; ``line`` is where the source has it."""

    external_id: str
    title: str
    body: str
    status: Status
    published_at: dt.datetime
    line: int


@dataclass(frozen=True, slots=True)
class SubscriberRecord:
    """A subscriber of the source; ``email`` as it stands there, unchecked. Its repr names nobody."""

    external_id: str
    email: str = field(repr=False)
    created_at: dt.datetime
    line: int
    name: str = field(default="", repr=False)


Record = TypeVar("Record", ArticleRecord, SubscriberRecord)


class ImportContext:
    """What an atom needs besides the records, and where it says what became of each.

    Attributes:
        source: name of the source ("crispy-octo"); with a record's ``external_id`` the key of idempotence.
    """

    def __init__(self, source: str, report: Callable[[str, int, int], None] | None = None) -> None:
        self.source = source
        self._report = report or (lambda step, done, total: None)
        self._created: Counter[str] = Counter()
        self._updated: Counter[str] = Counter()
        self._unchanged: Counter[str] = Counter()
        self._rejected: list[Rejected] = []
        self._rejected_more = 0
        self._current = ""

    def created(self, kind: str) -> None:
        self._created[kind] += 1

    def updated(self, kind: str) -> None:
        self._updated[kind] += 1

    def unchanged(self, kind: str) -> None:
        self._unchanged[kind] += 1

    def rejected(self, line: int, reason: str) -> None:
        """A record that is not taken. The reason must not repeat its personal data; the record's id is added here."""
        if len(self._rejected) >= REJECTED_MAX:
            self._rejected_more += 1
            return
        place = f" (id {self._current})" if self._current else ""
        self._rejected.append(Rejected(line=line, reason=f"{reason}{place}"))

    def progress(self, step: str, done: int, total: int) -> None:
        self._report(step, done, total)

    def watched(self, kind: str, records: Iterator[Record], total: int) -> Iterator[Record]:
        """The records, with progress, and with their ids known to `rejected`."""
        self.progress(kind, 0, total)
        done = 0
        for done, record in enumerate(records, 1):
            self._current = record.external_id
            yield record
            if done % PROGRESS_EVERY == 0:
                self.progress(kind, done, total)
        self._current = ""
        self.progress(kind, done, total)

    def rejecting(self, line: int, reason: str, external_id: str) -> None:
        """`rejected`, for a record that could not even be made."""
        before, self._current = self._current, external_id
        self.rejected(line, reason)
        self._current = before

    def finish(self, ignored_tables: list[str]) -> ImportReport:
        rejected = list(self._rejected)
        if self._rejected_more:
            rejected.append(Rejected(line=0, reason=f"and {self._rejected_more} more"))
        return ImportReport(
            source=self.source,
            created=dict(self._created),
            updated=dict(self._updated),
            unchanged=dict(self._unchanged),
            rejected=rejected,
            ignored_tables=ignored_tables,
        )
