"""How much memory imports and exports take at most, of much and of a tenth of it. One run each: a peak varies little, and it takes minutes.

What is promised is said of 200 MB and of 20. Formats of small records take long for that, so that less is measured of them, and the
difference is told as it would be between those: more for 180 MB more.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import ground
from benchmarks.report import Row
from webstreet.testing.sources import PARAGRAPHS, write_dump, write_subscribers, write_wxr

MORE_MAX_MB = 20.0
PROMISED_MB = 200 - 20
TIMES = 10
MB = 1024 * 1024
LONG = PARAGRAPHS * 150
"""An article of 105 kB."""
Make = Callable[[Path, dict[str, str], int], int]
"""Puts what ``count`` records are into ``folder / "file"``, or into the site of the environment; how many bytes they are."""


@dataclass(frozen=True)
class Work:
    """``words``: of the command that is measured, which ends with the file. ``small``: records, `TIMES` as many beside them."""

    called: str
    words: tuple[str, ...]
    small: int
    make: Make


def _dump(folder: Path, environment: dict[str, str], count: int) -> int:
    return write_dump(folder / "file", articles=count, subscribers=count * 60, text=LONG)


def _site(folder: Path, environment: dict[str, str], count: int) -> int:
    """In the environment's own site; its size is that of the dump it was made of."""
    size = write_dump(folder / "dump.sql", articles=count, subscribers=count * 60, text=LONG)
    ground.engine(environment, "import", "--from", "crispy-octo", str(folder / "dump.sql"))
    return size


def _archive(folder: Path, environment: dict[str, str], count: int) -> int:
    other = ground.empty(folder / "other")
    size = _site(folder, other, count)
    ground.engine(other, "export", str(folder / "file"))
    return size


WORKS = (
    Work(
        "reading, surveying and making blocks of WordPress's articles of 2 kB, all but the rows",
        ("benchmarks.reading",),
        8_300,
        lambda folder, environment, count: write_wxr(folder / "file", posts=count),
    ),
    Work(
        "importing WordPress's articles of 105 kB",
        ("webstreet.engine", "import", "--from", "wordpress"),
        200,
        lambda folder, environment, count: write_wxr(folder / "file", posts=count, words=15_000),
    ),
    Work(
        "importing subscribers from CSV",
        ("webstreet.engine", "import", "--from", "csv"),
        40_000,
        lambda folder, environment, count: write_subscribers(folder / "file", rows=count),
    ),
    Work(
        "importing a dump of crispy-octo, articles of 105 kB and sixty subscribers for each",
        ("webstreet.engine", "import", "--from", "crispy-octo"),
        40,
        _dump,
    ),
    Work("exporting that site as an archive", ("webstreet.engine", "export"), 40, _site),
    Work("importing that archive", ("webstreet.engine", "import", "--from", "webstreet"), 40, _archive),
)


def measure(works: Sequence[Work] = WORKS) -> list[Row]:
    rows = []
    for work in works:
        with tempfile.TemporaryDirectory(prefix="webstreet-bench-") as folder:
            few, size = _highest_mb(Path(folder) / "small", work, work.small)
            many, large = _highest_mb(Path(folder) / "large", work, work.small * TIMES)
        name = f"{work.called}: memory for {large:.0f} MB, {work.small * TIMES:,} records"
        more = (many - few) / (large - size) * PROMISED_MB
        rows.append(Row(f"{name}, highest", "MB", [many], reference=f"{size:.1f} MB", reference_runs=[few]))
        rows.append(
            Row(f"{name}, more for {PROMISED_MB} MB more", "MB", [more], target=MORE_MAX_MB, higher_is_better=False)
        )
    return rows


def _highest_mb(folder: Path, work: Work, count: int) -> tuple[float, float]:
    """The highest resident size, and the size of what was worked on."""
    environment = ground.empty(folder)
    size = work.make(folder, environment, count)
    command = [sys.executable, "-m", *work.words, str(folder / "file")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{work.called} failed: {(folder / 'log').read_text('utf-8', 'replace')[-2000:]}")
    return usage.ru_maxrss / 1024, size / MB
