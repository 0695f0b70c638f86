"""SpamAssassin from Debian: what a receiver's filter thinks of a mail. Its rules only: no look-up leaves this machine."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.lab import base

PACKAGE = "spamassassin"
TEXT = b"From: a@example.org\r\nTo: b@example.org\r\nSubject: x\r\n\r\nx\r\n"


@dataclass(frozen=True)
class Score:
    """``rules``: what was found, each with its points."""

    points: float
    rules: dict[str, float]


class SpamAssassin:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def score(self, content: bytes) -> Score:
        """Points of a mail; 5 are spam by its default."""
        # --local: no DNS, no block lists. The folder keeps it from reading and writing a home.
        preferences = self._folder / "preferences"
        preferences.write_text("use_bayes 0\nreport_safe 0\nadd_header all Rules _TESTSSCORES(,)_\nfold_headers 0\n")
        command = [str(where()), "--local", "--test-mode", f"--prefs-file={preferences}", "--nocreate-prefs"]
        environment = os.environ | {"HOME": str(self._folder), "LC_ALL": "C"}
        done = subprocess.run(command, input=content, env=environment, capture_output=True, timeout=120, check=False)
        told = done.stdout.decode("utf-8", "replace")
        status = re.search(r"^X-Spam-Status: \w+, score=(-?[\d.]+)", told, re.MULTILINE)
        rules = re.search(r"^X-Spam-Rules: (.*)$", told, re.MULTILINE)
        if not status or not rules:
            raise RuntimeError(f"spamassassin gave no score: {done.stderr.decode('utf-8', 'replace')[-500:]}")
        found = (pair.partition("=") for pair in rules.group(1).split(",") if "=" in pair)
        return Score(float(status.group(1)), {name.strip(): float(points) for name, _, points in found})


@contextlib.contextmanager
def running() -> Iterator[SpamAssassin]:
    """One that has judged a mail.

    Raises:
        base.Missing: it is not installed.
    """
    where()
    with base.folder("spamassassin") as folder:
        program = SpamAssassin(folder)
        program.score(TEXT)
        yield program


def version() -> str:
    """As in "4.0.1"."""
    told = subprocess.run([where(), "--version"], capture_output=True, text=True, timeout=60, check=True).stdout
    return next((word for word in told.split() if word[0].isdigit()), "")


def where() -> Path:
    return base.find("spamassassin", package=PACKAGE)
