"""``backup``: a consistent copy of what the hoster keeps for the site."""

from __future__ import annotations

import argparse
from pathlib import Path

from webstreet.contract.jobs import Progress
from webstreet.engine.commands import emit, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="made if absent; must be empty or hold an unfinished backup")


def run(options: argparse.Namespace) -> None:
    from webstreet.engine.backups import backup

    left_out = backup(options.folder, lambda step, done, total: emit(Progress(step=step, done=done, total=total)))
    say(f"Backup written to {options.folder}.")
    for atom in left_out:
        say(f"Left out: {atom}, whose data live at the client.")
