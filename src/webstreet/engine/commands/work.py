"""``work``: the site's background worker."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None."""


def run(options: argparse.Namespace) -> int:
    from webstreet.engine.tasks.worker import work

    return work()
