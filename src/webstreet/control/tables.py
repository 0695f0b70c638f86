"""Lists as CSV: streamed row by row, and safe to open in a spreadsheet, which would run a cell that looks like a formula."""

from __future__ import annotations

import csv
import datetime as dt
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.http import StreamingHttpResponse

from webstreet.kernel.spreadsheet import harmless


class _Line:
    """A file that keeps only what was written last."""

    text = ""

    def write(self, text: str) -> int:
        self.text = text
        return len(text)


def cell(value: Any) -> Any:
    """A value as it is written: instants in ISO 8601, documents as JSON, text never as a formula."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool) or not isinstance(value, (str, int, float, dt.datetime)):
        return harmless(json.dumps(value, ensure_ascii=False, default=str))
    if isinstance(value, dt.datetime):
        return value.isoformat(timespec="seconds")
    return harmless(value) if isinstance(value, str) else value


def csv_lines(titles: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    line = _Line()
    writer = csv.writer(line)
    writer.writerow(titles)
    yield line.text
    for row in rows:
        writer.writerow([cell(value) for value in row])
        yield line.text


def csv_answer(
    name: str, titles: Sequence[str], rows: Iterable[Sequence[Any]], *, spreadsheet: bool = False
) -> StreamingHttpResponse:
    """``name.csv``, sent while it is read; memory does not grow with the number of rows.

    Args:
        spreadsheet: begin with a byte order mark, without which Excel takes accents for something else.
    """
    lines = csv_lines(titles, rows)
    answer = StreamingHttpResponse(
        itertools.chain(["\ufeff"], lines) if spreadsheet else lines, content_type="text/csv; charset=utf-8"
    )
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer
