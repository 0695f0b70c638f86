"""``import``: take over content and subscribers from another application."""

from __future__ import annotations

import argparse
from pathlib import Path

from webstreet.contract.jobs import SOURCES, ImportReport, Progress
from webstreet.engine.commands import emit, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    known = "; ".join(f"{name}: {what}" for name, what in SOURCES.items())
    parser.add_argument("--from", dest="source", required=True, choices=list(SOURCES), help=known)
    parser.add_argument("--map", action="append", default=[], metavar="FIELD=COLUMN", help="csv: which column is what")
    parser.add_argument("--dry-run", action="store_true", help="csv: count what would be done, and change nothing")
    parser.add_argument("--fetch-remote", action="store_true", help="wordpress: fetch missing files from the old site")
    parser.add_argument("--fetch-files", type=int, default=5000, metavar="N", help="so many files at most")
    parser.add_argument("--fetch-mb", type=int, default=2048, metavar="N", help="so much of them at most, in MB")
    parser.add_argument("--fetch-minutes", type=float, default=30, metavar="N", help="for so long at most")
    parser.add_argument("file", type=Path)


def run(options: argparse.Namespace) -> None:
    found = _imported(options)
    emit(found)
    words = (
        (found.created, "created"),
        (found.updated, "updated"),
        (found.unchanged, "unchanged"),
        (found.counted, "counted"),
    )
    for counts, word in words:
        for kind, number in counts.items():
            say(f"{number} {kind} {word}")
    for note in found.notes:
        say(note)
    for rejected in found.rejected:
        say(f"line {rejected.line}: not taken: {rejected.reason}")
    for lost in found.lost:
        say(f"line {lost.line}: {lost.reason}")
    if found.ignored_tables:
        say(f"tables ignored: {', '.join(found.ignored_tables)}")


def _imported(options: argparse.Namespace) -> ImportReport:
    from webstreet.engine.imports import crispy_octo, fetching, subscribers_csv, webstreet, wordpress
    from webstreet.engine.rows import settled

    def report(step: str, done: int, total: int) -> None:
        emit(Progress(step=step, done=done, total=total))

    settled()
    match options.source:
        case "wordpress":
            budget = fetching.Budget(options.fetch_files, options.fetch_mb * 1024**2, options.fetch_minutes * 60)
            return wordpress.run(options.file, report, fetch=budget if options.fetch_remote else None)
        case "csv":
            return subscribers_csv.run(options.file, report, columns=options.map, dry_run=options.dry_run)
        case "webstreet":
            return webstreet.run(options.file, report)
        case _:
            return crispy_octo.run(options.file, report)
