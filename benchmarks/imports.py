"""How quickly a site's articles and subscribers are taken over, and how the time grows with ten times as many. The engine's own start is
measured beside it and taken off."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks import ground
from benchmarks.report import Row

RUNS = 3
"""Fewer than elsewhere: each needs two sites of its own."""
SMALL = {"articles": 30, "subscribers": 1_000}
TIMES = 10


def measure() -> list[Row]:
    rows = []
    for kind, small in SMALL.items():
        with tempfile.TemporaryDirectory(prefix="webstreet-bench-") as folder:
            pairs = [
                (
                    _seconds(Path(folder) / f"{run}", kind, small),
                    _seconds(Path(folder) / f"{run}-large", kind, small * TIMES),
                )
                for run in range(RUNS)
            ]
        rows.append(
            Row(f"import of {small * TIMES:,} {kind}", f"{kind}/s", [small * TIMES / large for _, large in pairs])
        )
        growth = [large / few for few, large in pairs]
        name = f"import of {small * TIMES:,} {kind} instead of {small:,}: time grows"
        rows.append(Row(name, "times", growth, target=float(TIMES), higher_is_better=False))
    return rows


def _seconds(folder: Path, kind: str, count: int) -> float:
    environment = ground.empty(folder)
    nothing, much = folder / "nothing.sql", folder / "dump.sql"
    nothing.write_text(ground.dump(0, 0), "utf-8")
    much.write_text(ground.dump(count, 0) if kind == "articles" else ground.dump(0, count), "utf-8")
    start = ground.engine(environment, "import", "--from", "crispy-octo", str(nothing))
    return max(0.01, ground.engine(environment, "import", "--from", "crispy-octo", str(much)) - start)
