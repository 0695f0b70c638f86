"""How much memory imports take at most, of a large file and of a tenth of it. One run each: a peak varies little, and they take minutes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import ground
from benchmarks.report import Row
from webstreet.testing.sources import write_subscribers, write_wxr

MORE_MAX_MB = 20.0
TIMES = 10
MB = 1024 * 1024


@dataclass(frozen=True)
class Work:
    """``small``: records of the small file, `TIMES` as many in the large one. ``write``: a file of so many; its size in bytes."""

    called: str
    words: tuple[str, ...]
    small: int
    write: Callable[[Path, int], int]


WORKS = (
    Work(
        "reading, surveying and making blocks of WordPress's articles of 2 kB, all but the rows",
        ("benchmarks.reading",),
        8_300,
        lambda path, count: write_wxr(path, posts=count),
    ),
    Work(
        "importing WordPress's articles of 105 kB",
        ("webstreet.engine", "import", "--from", "wordpress"),
        200,
        lambda path, count: write_wxr(path, posts=count, words=15_000),
    ),
    Work(
        "importing subscribers from CSV",
        ("webstreet.engine", "import", "--from", "csv"),
        20_000,
        lambda path, count: write_subscribers(path, rows=count),
    ),
)


def measure() -> list[Row]:
    rows = []
    for work in WORKS:
        with tempfile.TemporaryDirectory(prefix="webstreet-bench-") as folder:
            few, size = _highest_mb(Path(folder) / "small", work, work.small)
            many, large = _highest_mb(Path(folder) / "large", work, work.small * TIMES)
        name = f"{work.called}: memory for {large:.0f} MB, {work.small * TIMES:,} records"
        rows.append(Row(f"{name}, highest", "MB", [many], reference=f"{size:.0f} MB", reference_runs=[few]))
        rows.append(Row(f"{name}, more", "MB", [many - few], target=MORE_MAX_MB, higher_is_better=False))
    return rows


def _highest_mb(folder: Path, work: Work, count: int) -> tuple[float, float]:
    """The highest resident size, and the size of the file."""
    environment = ground.empty(folder)
    file = folder / "file"
    size = work.write(file, count)
    command = [sys.executable, "-m", *work.words, str(file)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{work.called} failed: {(folder / 'log').read_text('utf-8', 'replace')[-2000:]}")
    return usage.ru_maxrss / 1024, size / MB
