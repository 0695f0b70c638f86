"""``import``: take over articles and subscribers from another application."""

from __future__ import annotations

import argparse
from pathlib import Path

from webstreet.contract.jobs import Progress
from webstreet.engine.commands import emit, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", dest="source", required=True, choices=["crispy-octo"], help="what made the file")
    parser.add_argument("file", type=Path, help="for crispy-octo: a file written by mysqldump")


def run(options: argparse.Namespace) -> None:
    from webstreet.engine.imports import crispy_octo

    found = crispy_octo.run(options.file, lambda step, done, total: emit(Progress(step=step, done=done, total=total)))
    emit(found)
    for counts, word in ((found.created, "created"), (found.updated, "updated"), (found.unchanged, "unchanged")):
        for kind, number in counts.items():
            say(f"{number} {kind} {word}")
    for rejected in found.rejected:
        say(f"line {rejected.line}: not taken: {rejected.reason}")
    if found.ignored_tables:
        say(f"tables ignored: {', '.join(found.ignored_tables)}")
