"""``manifest``: the ReleaseManifest; its output is ``catalogue/release.json``."""

from __future__ import annotations

import argparse
import sys

from webstreet.engine.release import release_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None."""


def run(options: argparse.Namespace) -> None:
    sys.stdout.write(release_json())
