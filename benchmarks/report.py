"""A measured row, the table, and the JSON document."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

RUNS = 5


@dataclass
class Row:
    """One comparison. ``ratio`` is value / reference_value; ``target`` is the ratio wanted, or the value where there is no reference.

    ``higher_is_better`` says on which side of the target the good is; ``runs`` are all measured values.
    """

    name: str
    unit: str
    runs: Sequence[float]
    reference: str = ""
    reference_runs: Sequence[float] = field(default_factory=list)
    target: float | None = None
    higher_is_better: bool = True

    @property
    def value(self) -> float:
        return statistics.median(self.runs)

    @property
    def reference_value(self) -> float | None:
        return statistics.median(self.reference_runs) if self.reference_runs else None

    @property
    def ratio(self) -> float | None:
        return self.value / self.reference_value if self.reference_value else None

    @property
    def met(self) -> bool | None:
        measured = self.ratio if self.reference_runs else self.value
        if self.target is None or measured is None:
            return None
        return measured >= self.target if self.higher_is_better else measured <= self.target

    @property
    def spread(self) -> float:
        """(largest - smallest) / median of the runs."""
        return (max(self.runs) - min(self.runs)) / self.value if self.value else 0.0

    def document(self) -> dict[str, object]:
        found = asdict(self)
        more = {"value": self.value, "reference_value": self.reference_value, "ratio": self.ratio, "met": self.met}
        return found | more | {"spread": round(self.spread, 3)}


def machine() -> dict[str, object]:
    """What ran this: enough to understand the numbers, nothing that names the machine."""
    memory_kb = next(
        (int(n.split()[1]) for n in Path("/proc/meminfo").read_text().splitlines() if n.startswith("MemTotal")), 0
    )
    return {
        "cores": os.cpu_count(),
        "memory_mb": memory_kb // 1024,
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def publish(rows: Sequence[Row], out: str) -> None:
    """Print the table; write the JSON document when ``out`` names a file."""
    table = Table("What", "Median", "Spread", "Beside", "Its median", "Ratio", "Target", "Met", title="Benchmarks")
    for row in rows:
        table.add_row(
            row.name,
            f"{row.value:,.4g} {row.unit}",
            f"{row.spread:.0%}",
            row.reference,
            f"{row.reference_value:,.4g}" if row.reference_value else "",
            f"{row.ratio:.3f}" if row.ratio else "",
            "" if row.target is None else f"{'>=' if row.higher_is_better else '<='} {row.target:g}",
            {True: "yes", False: "no", None: ""}[row.met],
        )
    Console(width=150).print(table)
    if out:
        document = {"machine": machine(), "rows": [row.document() for row in rows]}
        Path(out).write_text(json.dumps(document, indent=1) + "\n", "utf-8")
        print(f"wrote {out}")
