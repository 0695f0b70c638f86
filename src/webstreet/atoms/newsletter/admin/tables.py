"""Tables that are downloaded: streamed, never a file on this side, harmless in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

from django.http import StreamingHttpResponse
from django.utils import timezone

from webstreet.kernel.spreadsheet import harmless


class _Echo:
    def write(self, value: str) -> str:
        return value


def download(rows: Iterable[Iterable[str]], name: str) -> StreamingHttpResponse:
    """``rows`` as CSV, the heading first; the file is called ``name-<day>.csv``."""
    response = StreamingHttpResponse(_lines(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}-{timezone.now():%Y-%m-%d}.csv"'
    response["Cache-Control"] = "no-store"
    return response


def _lines(rows: Iterable[Iterable[str]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    for row in rows:
        yield writer.writerow([harmless(value) for value in row])
