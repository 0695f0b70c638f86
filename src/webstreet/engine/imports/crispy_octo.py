"""From the Rails application crispy-octo: its tables ``articles`` and ``subscribers``, out of a mysqldump."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from webstreet.contract.jobs import ImportReport
from webstreet.engine import hooks
from webstreet.engine.imports import ArticleRecord, ImportContext, Status, SubscriberRecord
from webstreet.engine.imports.mysqldump import Dump, Row, invalid
from webstreet.engine.rows import swept
from webstreet.kernel.errors import BadInput

SOURCE = "crispy-octo"
TABLES = ("articles", "subscribers")
BODIES = ("body", "text", "content")
CALLED = "The dump"
"""In messages: a file of the spool has a name that nobody gave it."""
AT_ONCE = 25
REPORT_EVERY_BYTES = 4 * 1024 * 1024
_STATUSES: dict[str, Status] = {
    # Rails stores an enum as its name or as its number.
    "public": "public",
    "private": "private",
    "archived": "archived",
    "draft": "draft",
    "0": "public",
    "1": "private",
    "2": "archived",
}
Report = Callable[[str, int, int], None]


class ImportFileMissing(BadInput):
    """The file to import is not there or cannot be read."""

    code = "import.file"


def run(path: Path, report: Report) -> ImportReport:
    """Check the whole dump first, then take articles and subscribers over.

    Raises:
        ImportFileMissing: no such file.
        DumpInvalid: the dump is damaged; nothing was changed.
    """
    counts = _check(path, report)
    context = ImportContext(SOURCE, report)
    taken = {table for table in TABLES if table in counts and hooks.has(f"import_{table}")}
    if "articles" in taken:
        records = context.watched("articles", _articles(path, context), counts["articles"])
        with transaction.atomic():
            hooks.call("import_articles", records, context)
    if "subscribers" in taken:
        # Its atom's receiver opens the transaction: only it knows its database.
        people = context.watched("subscribers", _subscribers(path, context), counts["subscribers"])
        hooks.call("import_subscribers", people, context)
    return context.finish(sorted(set(counts) - taken))


def _check(path: Path, report: Report) -> dict[str, int]:
    """Read everything once and keep nothing: table -> number of rows."""
    try:
        size = path.stat().st_size
        file = path.open("rb")
    except OSError as error:
        raise ImportFileMissing(f"{path} cannot be read: {error.strerror}.") from None
    shown = 0

    def on_read(done: int) -> None:
        nonlocal shown
        if done - shown >= REPORT_EVERY_BYTES or done >= size:
            shown = done
            report("check", done, size)

    with file:
        dump = Dump(file, CALLED, TABLES, on_read)
        for row in dump:
            _required(dump, row)
    if not set(TABLES) & set(dump.counts):
        hint = f"Its tables: {', '.join(sorted(dump.counts)[:8]) or 'none'}."
        raise invalid(CALLED, 1, 'has neither a table "articles" nor "subscribers".', hint, "dump.no_tables")
    return dump.counts


def _required(dump: Dump, row: Row) -> None:
    needed = [("id",), ("title",), BODIES] if row.table == "articles" else [("id",), ("email",)]
    for names in needed:
        if not any(name in row.values for name in names):
            rule = f'the table "{row.table}" has no column "{names[0]}".'
            hint = f"It has: {', '.join(row.values)[:200]}."
            raise invalid(dump.name, row.line, rule, hint, "dump.column_missing")


def _rows(path: Path, table: str) -> Iterator[Row]:
    with path.open("rb") as file:
        yield from Dump(file, CALLED, [table])


def _articles(path: Path, context: ImportContext) -> Iterator[ArticleRecord]:
    for row in swept(_rows(path, "articles"), every=AT_ONCE):
        values, key = row.values, row.values["id"] or ""
        given = values.get("status")
        status = _STATUSES.get("public" if given is None else given.strip().lower())
        if not key or status is None:
            context.rejecting(
                row.line, "the status is not public, private or archived" if key else "there is no id", key
            )
            continue
        try:
            published_at = _moment(values.get("created_at"))
        except ValueError:
            context.rejecting(row.line, "created_at is not a date", key)
            continue
        body = next((values[name] for name in BODIES if name in values), None)
        yield ArticleRecord(key, values["title"] or "", body or "", status, published_at, row.line)


def _subscribers(path: Path, context: ImportContext) -> Iterator[SubscriberRecord]:
    for row in _rows(path, "subscribers"):
        key, email = row.values["id"] or "", row.values["email"]
        if not key or email is None:
            context.rejecting(row.line, "there is no address" if key else "there is no id", key)
            continue
        try:
            created_at = _moment(row.values.get("created_at"))
        except ValueError:
            context.rejecting(row.line, "created_at is not a date", key)
            continue
        yield SubscriberRecord(key, email, created_at, row.line, row.values.get("name") or "")


def _moment(text: str | None) -> dt.datetime:
    """Rails stores UTC. MySQL's zero date and NULL: now, because nothing is known.

    Raises:
        ValueError: something else.
    """
    if not text or text.startswith("0000-00-00"):
        return timezone.now()
    moment = dt.datetime.fromisoformat(text.strip())
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
