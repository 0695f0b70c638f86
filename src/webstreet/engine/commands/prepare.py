"""``prepare``: bring databases and starter content to what this release and this manifest need."""

from __future__ import annotations

import argparse

from webstreet.contract.jobs import Progress
from webstreet.engine.commands import emit, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None."""


def run(options: argparse.Namespace) -> None:
    from webstreet.engine.preparation import prepare

    away = prepare(lambda step, done, total: emit(Progress(step=step, done=done, total=total)))
    for atom in away:
        say(
            f"The database of {atom} does not answer. The rest of the site is ready; the worker goes on when it is back."
        )
