"""Subscribers from a list, one a line (RFC 4180 and its relatives): read as a stream, encoding and delimiter found by looking."""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.utils import timezone

from webstreet.contract.jobs import ImportReport
from webstreet.engine import hooks
from webstreet.engine.imports import ImportContext, Standing, SubscriberRecord
from webstreet.engine.imports.columns import chosen, plain_title
from webstreet.engine.imports.crispy_octo import ImportFileMissing
from webstreet.kernel.errors import DocumentInvalid, Problem

SOURCE = "csv"
CALLED = "The list"
CHUNK_BYTES = 256 * 1024
SAMPLE_LINES = 50
LINE_MAX = 100_000
"""Characters of one line; a longer one is an unclosed quotation or no list."""
COLUMNS_MAX = 500
DELIMITERS = (",", ";", "\t", "|")
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_WORDS: dict[Standing, tuple[str, ...]] = {
    "active": (
        "", "active", "actif", "subscribed", "abonne", "inscrit", "enabled", "confirmed", "true", "yes", "oui", "1", "free", "paid",
        "comped",
    ),
    "pending": ("pending", "unconfirmed", "en attente", "non confirme"),
    "unsubscribed": (
        "unsubscribed", "desabonne", "desinscrit", "optout", "opt out", "inactive", "inactif", "disabled", "false", "no", "non", "0",
    ),
    "suppressed": (
        "suppressed", "bounced", "bounce", "hard bounce", "complained", "complaint", "spam", "cleaned", "blocklisted", "blacklisted",
        "blocked", "invalid", "rebond", "plainte", "bloque",
    ),
}  # fmt: skip
_STATUSES: dict[str, Standing] = {word: status for status, words in _WORDS.items() for word in words}
_DATES = ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%d.%m.%Y", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d", "%b %d, %Y")
Report = Callable[[str, int, int], None]


class ListInvalid(DocumentInvalid):
    """The list cannot be read; nothing was changed."""

    code = "csv.invalid"


def invalid(line: int, rule: str, suggestion: str, code: str) -> ListInvalid:
    return ListInvalid(CALLED, [Problem(f"line {line}", rule, suggestion)], code=code)


@dataclass(frozen=True, slots=True)
class Shape:
    """What was found by looking. ``lines``: of text, the first one included."""

    encoding: str
    delimiter: str
    lines: int
    titles: tuple[str, ...]
    has_titles: bool


def run(path: Path, report: Report, *, columns: Sequence[str] = (), dry_run: bool = False) -> ImportReport:
    """Take the subscribers over, in batches that each are all or nothing: what was cut off is finished by repeating it.

    Raises:
        ImportFileMissing: no such file. ListInvalid, ColumnUnknown: it cannot be read, or a column is not there; nothing was changed.
    """
    context = ImportContext(SOURCE, report, dry_run=dry_run)
    csv.field_size_limit(LINE_MAX)
    try:
        shape = look(path)
        context.note(f"Read as {shape.encoding}, columns parted by {_named(shape.delimiter)}.")
        fields = _fields(shape, columns, context)
        if not hooks.has("import_subscribers"):
            raise invalid(
                1,
                "holds subscribers, and this site has no newsletter.",
                "Add the atom newsletter first.",
                "csv.no_newsletter",
            )
        with path.open(encoding=shape.encoding, newline="") as file:
            records = _records(file, shape, fields, context)
            hooks.call(
                "import_subscribers", context.watched("subscribers", records, shape.lines - shape.has_titles), context
            )
    except OSError as error:
        raise ImportFileMissing(f"{path} cannot be read: {error.strerror}.") from None
    return context.finish()


def look(path: Path) -> Shape:
    """Read the whole file once and keep nothing of it.

    Raises:
        ListInvalid: it is empty, binary, or damaged.
    """
    encoding, lines = _encoding(path)
    with path.open(encoding=encoding, newline="") as file:
        sample = [line for line in (file.readline(LINE_MAX) for _ in range(SAMPLE_LINES)) if line]
    if not any(line.strip() for line in sample):
        raise invalid(1, "is empty.", "Export the list again.", "csv.empty")
    first = next(line for line in sample if line.strip())
    delimiter = max(DELIMITERS, key=lambda d: _fitness(sample, d))
    try:
        titles = next(iter(csv.reader([first], delimiter=delimiter)), [])[:COLUMNS_MAX]
    except csv.Error:
        raise invalid(1, "does not begin with a line of columns.", "Save it as CSV.", "csv.not_text") from None
    return Shape(encoding, delimiter, lines, tuple(titles), not any("@" in title for title in titles))


def _encoding(path: Path) -> tuple[str, int]:
    """Name of the encoding and number of lines. UTF-8 unless a byte order mark says UTF-16; Windows-1252 where it is not UTF-8."""
    with path.open("rb") as file:
        first = file.read(4)
        marked = next((name for mark, name in _MARKS if first.startswith(mark)), "")
        if first[:2] in (b"PK", b"\x1f\x8b") or first.startswith(b"%PDF"):
            raise invalid(1, "is not text but an archive or a workbook.", "Save it as CSV.", "csv.not_text")
        for name in [marked] if marked else ["utf-8", "cp1252"]:
            file.seek(0)
            try:
                return name, _count(file, name)
            except UnicodeDecodeError:
                continue
    raise invalid(1, "is neither UTF-8, UTF-16 nor Windows-1252 text.", "Save it as CSV in UTF-8.", "csv.encoding")


def _count(file: IO[bytes], encoding: str) -> int:
    decoder = codecs.getincrementaldecoder(encoding)()
    lines, last = 0, "\n"
    while True:
        chunk = file.read(CHUNK_BYTES)
        text = decoder.decode(chunk, final=not chunk)
        if "\0" in text:
            raise invalid(
                lines + 1, "is not text: it holds NUL characters.", "Save it as CSV in UTF-8.", "csv.not_text"
            )
        lines += text.count("\n")
        last = text[-1:] or last
        if not chunk:
            return lines + (last != "\n")


def _fitness(sample: Sequence[str], delimiter: str) -> tuple[int, int]:
    """How many lines agree on a number of columns, and the number."""
    try:
        counts = [len(row) for row in csv.reader(sample, delimiter=delimiter) if row]
    except csv.Error:
        counts = [line.count(delimiter) + 1 for line in sample if line.strip()]
    most = max(set(counts), key=counts.count) if counts else 0
    return (counts.count(most) if most > 1 else 0, most)


def _fields(shape: Shape, given: Sequence[str], context: ImportContext) -> dict[str, int]:
    if shape.has_titles:
        fields = chosen(shape.titles, given)
        used = ", ".join(f'"{shape.titles[number].strip()[:40]}" as {field}' for field, number in fields.items())
        context.note(f"Columns read: {used}.")
        return fields
    context.note(
        "The first line holds an address and no titles: it is a subscriber, and the column with the address is read."
    )
    return {"email": next(number for number, title in enumerate(shape.titles) if "@" in title)}


def _records(file: IO[str], shape: Shape, fields: dict[str, int], context: ImportContext) -> Iterator[SubscriberRecord]:
    rows = csv.reader(file, delimiter=shape.delimiter)
    skip = shape.has_titles
    titled = {field: plain_title(shape.titles[number]) if skip else "" for field, number in fields.items()}
    while True:
        line = rows.line_num + 1
        try:
            row = next(rows, None)
        except csv.Error:
            context.rejecting(line, "the line cannot be read: a quotation mark or a text without an end", "")
            continue
        if row is None:
            return
        if not any(cell.strip() for cell in row):
            continue
        if skip:
            skip = False
            continue
        values = {field: row[number].strip() for field, number in fields.items() if number < len(row)}
        record = _record(values, line, context, titled=titled)
        if record is not None:
            yield record


def _record(
    values: dict[str, str], line: int, context: ImportContext, *, titled: dict[str, str]
) -> SubscriberRecord | None:
    """``titled``: field -> plain title of its column, which may say what the values mean."""
    if not values.get("email"):
        context.rejecting(line, "there is no address", "")
        return None
    status = _status(values, titled)
    if status is None:
        # The words are not repeated: in a list with its columns shifted they may be anything.
        context.rejecting(line, "the status is not one that is known", "")
        return None
    moments: dict[str, dt.datetime | None] = {}
    for field in ("created_at", "status_at", "consent_at"):
        try:
            moments[field] = _moment(values.get(field, ""))
        except ValueError:
            moments[field] = None
            context.lost(line, f"{field} is not a date that can be read")
    name = values.get("name") or " ".join(filter(None, (values.get("first_name"), values.get("last_name"))))
    lists = (
        tuple(part.strip() for part in re.split(r"[,;|]", values["lists"]) if part.strip())
        if "lists" in values
        else None
    )
    return SubscriberRecord(
        external_id="" if "@" in values.get("id", "") else values.get("id", "")[:100],
        email=values["email"],
        created_at=moments["created_at"] or moments["consent_at"] or timezone.now(),
        line=line,
        name=name,
        status=status,
        since=moments["status_at"],
        language=values.get("language", "")[:10].lower().replace("_", "-").split("-")[0],
        lists=lists,
        consent_at=moments["consent_at"],
        consent=values.get("consent", "")[:500],
    )


def _status(values: dict[str, str], titled: dict[str, str]) -> Standing | None:
    """What the list says of a person. Mailchimp writes a list for each status, and the status only as a title ("CLEAN_TIME")."""
    if "status" not in titled:
        title = titled.get("status_at", "") if values.get("status_at") else ""
        return (
            "suppressed"
            if title.startswith(("clean", "bounced"))
            else "unsubscribed"
            if title.startswith(("unsub", "desins", "date de desins"))
            else "active"
        )
    said = plain_title(values.get("status", ""))
    if titled["status"] == "email disabled":
        said = {"true": "false", "1": "0", "yes": "no"}.get(said, "true")
    return _STATUSES.get(said)


def _moment(text: str) -> dt.datetime | None:
    """A date as programs write it: ISO 8601, or day first. Without a zone it is UTC.

    Raises:
        ValueError: something else, or a year that no list is of.
    """
    if not text or text.startswith("0000"):
        return None
    try:
        moment = dt.datetime.fromisoformat(re.sub(r" UTC$", "+00:00", text))
    except ValueError:
        for shape in _DATES:
            try:
                moment = dt.datetime.strptime(text, shape)  # noqa: DTZ007 the zone follows
                break
            except ValueError:
                continue
        else:
            raise
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    if not 1990 <= moment.year <= 2200:
        raise ValueError(text)
    return moment


def _named(delimiter: str) -> str:
    return {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}[delimiter]
