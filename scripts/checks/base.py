"""What checks share: their outcome, and running a command."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.executable).parent
TIMEOUT_S = 600


@dataclass
class Outcome:
    """``state`` is ok, failed or skipped; ``text`` is what to show: what is wrong, or why it was skipped."""

    state: str
    text: str = ""
    seconds: float = 0.0


def of(problems: Sequence[str]) -> Outcome:
    """Ok when there is no problem."""
    return Outcome("failed", "\n".join(problems)) if problems else Outcome("ok")


def command(*words: str | Path, extra: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Run a command of the virtual environment in the repository; exit code and everything it said."""
    done = subprocess.run(
        [str(word) for word in words],
        cwd=ROOT,
        env=os.environ
        | {"PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1", "COLUMNS": "140", "NO_MKDOCS_2_WARNING": "1"}
        | (extra or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    return done.returncode, done.stdout + done.stderr


def passes(*words: str | Path, extra: Mapping[str, str] | None = None) -> Outcome:
    """Ok when the command exits 0."""
    code, text = command(*words, extra=extra)
    return Outcome("ok" if code == 0 else "failed", text)


def tracked(*suffixes: str) -> list[Path]:
    """Files under version control, by suffix; all without one. Paths are relative to the repository."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    names = [Path(name) for name in done.stdout.split("\0") if name]
    return [n for n in names if (not suffixes or n.suffix in suffixes) and (ROOT / n).is_file()]
