"""libfaketime from Debian's ``faketime`` package: programs whose system clock jumps when a test says so."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.lab import base

PACKAGE = "faketime"
LIBRARY = "libfaketimeMT.so.1"


class Clock:
    """The clock of every program started with `variables`; the monotonic one goes on as it does when a real clock is set."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._library = where()
        self.jump_to(0)

    @property
    def variables(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def jump_to(self, seconds: int) -> None:
        """From now on it shows the true time and ``seconds`` more."""
        beside = self._file.with_suffix(".new")
        beside.write_text(f"{seconds:+d}\n", "utf-8")
        beside.replace(self._file)


@contextlib.contextmanager
def running() -> Iterator[Clock]:
    """A clock, once a program has been seen to believe it."""
    with tempfile.TemporaryDirectory(prefix="webstreet-lab-faketime-") as folder:
        clock = Clock(Path(folder) / "clock")
        clock.jump_to(86_400)
        told = subprocess.run(
            ["date", "+%s"], env=os.environ | clock.variables, capture_output=True, text=True, timeout=20, check=True
        ).stdout
        if int(told) < time.time() + 86_000:
            raise RuntimeError("programs do not believe the clock they are given")
        yield clock


def version() -> str:
    """As in "0.9.10"."""
    told = subprocess.run(["faketime", "--version"], capture_output=True, text=True, timeout=20, check=False).stdout
    return next((word for word in told.split() if word[0].isdigit()), "")


def where() -> Path:
    found = sorted(Path("/usr/lib").glob(f"*/faketime/{LIBRARY}"))
    if not found:
        raise base.Missing(f"{LIBRARY} is not installed: type `make lab` as root, or `apt-get install {PACKAGE}`")
    return found[0]
