"""How quickly a site's articles and subscribers are taken over from each source, and how the time grows with ten times as many. The
engine's own start is measured beside it and taken off."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import ground
from benchmarks.report import Row
from webstreet.testing.sources import write_dump, write_subscribers, write_wxr

RUNS = 3
"""Fewer than elsewhere: each needs two sites of its own."""
TIMES = 10


@dataclass(frozen=True)
class Source:
    """One way in. ``small``: so many records, and `TIMES` as many beside them. ``write``: a file of so many records."""

    name: str
    called: str
    kind: str
    small: int
    write: Callable[[Path, int], object]


SOURCES = (
    Source("crispy-octo", "a dump", "articles", 30, lambda path, count: write_dump(path, articles=count)),
    Source("wordpress", "WordPress", "articles", 30, lambda path, count: write_wxr(path, posts=count)),
    Source("crispy-octo", "a dump", "subscribers", 4_000, lambda path, count: write_dump(path, subscribers=count)),
    Source("csv", "CSV", "subscribers", 4_000, lambda path, count: write_subscribers(path, rows=count)),
)


def measure() -> list[Row]:
    rows = []
    for source in SOURCES:
        few, many = source.small, source.small * TIMES
        with tempfile.TemporaryDirectory(prefix="webstreet-bench-") as folder:
            pairs = [
                (_seconds(Path(folder) / f"{run}", source, few), _seconds(Path(folder) / f"{run}-large", source, many))
                for run in range(RUNS)
            ]
        name = f"import of {many:,} {source.kind} from {source.called}"
        rows.append(Row(name, f"{source.kind}/s", [many / large for _, large in pairs]))
        growth = [large / small for small, large in pairs]
        rows.append(
            Row(f"{name} instead of {few:,}: time grows", "times", growth, target=float(TIMES), higher_is_better=False)
        )
    return rows


def _seconds(folder: Path, source: Source, count: int) -> float:
    environment = ground.empty(folder)
    nothing, much = folder / "nothing", folder / "much"
    source.write(nothing, 0)
    source.write(much, count)
    start = ground.engine(environment, "import", "--from", source.name, str(nothing))
    return max(0.01, ground.engine(environment, "import", "--from", source.name, str(much)) - start)
