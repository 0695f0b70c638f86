"""Taking over content from other applications: each source is a module that yields records; atoms take them by hooks."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from webstreet.contract.jobs import ImportReport, Rejected

REJECTED_MAX = 10_000
NOTES_MAX = 100
KINDS_MAX, KIND_LENGTH = 100, 60
OTHER_KINDS = "other kinds"
PROGRESS_EVERY = 100
Status = Literal["public", "private", "archived", "draft", "scheduled"]
Standing = Literal["active", "pending", "unsubscribed", "suppressed"]
BodyBlock = tuple[str, Any]
"""Type and raw value of one block of a body, as a StreamField stores it; text is sanitised already."""


@dataclass(frozen=True, slots=True)
class ArticleRecord:
    """An article of the source.

    Attributes:
        body: plain text, where ``blocks`` is None.
        blocks: the body's blocks; images and pages in them are ids of this site.
        line: where the source has it.
        published_at: for a scheduled one, when it is to appear.
        slug: what its address ends in at the source; empty to make it from the title.
        authors: (slug, name) of each. tags: names.
        cover: id of an image of this site; ``cover_alt``: what it shows.
    """

    external_id: str
    title: str
    body: str
    status: Status
    published_at: dt.datetime
    line: int
    blocks: tuple[BodyBlock, ...] | None = None
    slug: str = ""
    intro: str = ""
    authors: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()
    cover: int | None = None
    cover_alt: str = ""

    @property
    def subject(self) -> str:
        """What a report calls it: reports leave the site, so that the title is said only of what everybody may read."""
        return _subject(self.title, self.external_id, public=self.status == "public")


@dataclass(frozen=True, slots=True)
class PageRecord:
    """A page that stays. ``published``: else it is a draft; the atom that takes it has no private pages."""

    external_id: str
    title: str
    published: bool
    line: int
    blocks: tuple[BodyBlock, ...] = ()
    slug: str = ""
    go_live_at: dt.datetime | None = None

    @property
    def subject(self) -> str:
        return _subject(self.title, self.external_id, public=self.published)


def _subject(title: str, external_id: str, *, public: bool) -> str:
    return f'"{" ".join(title.split())[:60]}"' if public and title.strip() else f"number {external_id[:20]}"


@dataclass(frozen=True, slots=True)
class MenuRecord:
    """An entry of the source's menu.

    Attributes:
        position: its place, from 1. label: its words; empty for the page's title.
        page: id of the page of this site that it leads to; else ``url`` says where.
    """

    external_id: str
    position: int
    label: str
    line: int
    page: int | None = None
    url: str = ""


@dataclass(frozen=True, slots=True)
class SubscriberRecord:
    """A subscriber of the source; ``email`` as it stands there, unchecked. Its repr names nobody.

    Attributes:
        lists: keys or titles of lists; None where the source knows no lists, so that the person joins all of them.
        since: when the status began, where the source says so.
        consent_at, consent: when and how the source says the person agreed.
    """

    external_id: str
    email: str = field(repr=False)
    created_at: dt.datetime
    line: int
    name: str = field(default="", repr=False)
    status: Standing = "active"
    since: dt.datetime | None = None
    language: str = ""
    lists: tuple[str, ...] | None = None
    consent_at: dt.datetime | None = None
    consent: str = field(default="", repr=False)


Record = TypeVar("Record", ArticleRecord, PageRecord, SubscriberRecord)


class ImportContext:
    """What an atom needs besides the records, and where it says what became of each.

    Attributes:
        source: name of the source ("crispy-octo"); with a record's ``external_id`` the key of idempotence.
        dry_run: count what would happen, and change nothing.
        language: of the source's content; empty if it does not say.
        taken: told the record's ``external_id`` and the id of the page it is here, also when nothing changed.
    """

    def __init__(
        self,
        source: str,
        report: Callable[[str, int, int], None] | None = None,
        *,
        dry_run: bool = False,
        taken: Callable[[str, int], None] | None = None,
    ) -> None:
        self.source = source
        self.dry_run = dry_run
        self.language = ""
        self.taken = taken or (lambda external_id, page: None)
        self._report = report or (lambda step, done, total: None)
        self._created: Counter[str] = Counter()
        self._updated: Counter[str] = Counter()
        self._unchanged: Counter[str] = Counter()
        self._counted: Counter[str] = Counter()
        self._rejected: list[Rejected] = []
        self._rejected_more = 0
        self._lost: list[Rejected] = []
        self._lost_more = 0
        self._notes: dict[str, None] = {}
        self._notes_more = 0
        self._current = ""

    def created(self, kind: str) -> None:
        self._created[kind] += 1

    def updated(self, kind: str) -> None:
        self._updated[kind] += 1

    def unchanged(self, kind: str) -> None:
        self._unchanged[kind] += 1

    def counted(self, kind: str, number: int = 1) -> None:
        """What the source has and is not taken by intent, such as comments. Kinds that only the source names are counted together when
        they are too many to be told."""
        kind = kind[:KIND_LENGTH]
        known = kind in self._counted or len(self._counted) < KINDS_MAX
        self._counted[kind if known else OTHER_KINDS] += number

    def note(self, text: str) -> None:
        """A sentence about the whole; each once. Of those after the first `NOTES_MAX` it is only said how often there was one."""
        if text in self._notes:
            return
        if len(self._notes) < NOTES_MAX:
            self._notes[text] = None
        else:
            self._notes_more += 1

    def lost(self, line: int, reason: str, subject: str = "") -> None:
        """A part of a record that could not be kept as it was; ``subject`` names the record, never a person."""
        if len(self._lost) >= REJECTED_MAX:
            self._lost_more += 1
            return
        self._lost.append(Rejected(line=line, reason=f"{subject}: {reason}" if subject else reason))

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

    def watched_rows(self, kind: str, rows: Iterator[Any]) -> Iterator[Any]:
        """Rows of an archive that are taken whatever they are: counted and shown."""
        done = 0
        for done, row in enumerate(rows, 1):
            yield row
            self.created(kind)
            if done % PROGRESS_EVERY == 0:
                self.progress(kind, done, 0)
        self.progress(kind, done, done)

    def rejecting(self, line: int, reason: str, external_id: str) -> None:
        """`rejected`, for a record that could not even be made."""
        before, self._current = self._current, external_id
        self.rejected(line, reason)
        self._current = before

    def finish(self, ignored_tables: list[str] | None = None) -> ImportReport:
        return ImportReport(
            source=self.source,
            created=dict(self._created),
            updated=dict(self._updated),
            unchanged=dict(self._unchanged),
            counted=dict(self._counted),
            rejected=_with_rest(sorted(self._rejected, key=lambda found: found.line), self._rejected_more),
            lost=_with_rest(self._lost, self._lost_more),
            notes=[*self._notes, *([f"And {self._notes_more:,} more remarks, not shown."] if self._notes_more else [])],
            ignored_tables=ignored_tables or [],
            dry_run=self.dry_run,
        )


def _with_rest(found: list[Rejected], more: int) -> list[Rejected]:
    return [*found, Rejected(line=0, reason=f"and {more} more")] if more else list(found)
