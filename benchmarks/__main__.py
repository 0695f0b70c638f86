"""``python -m benchmarks [NAME ...]``: measure, print a table, write OUT. The names are those of `PARTS`; without any, all."""

from __future__ import annotations

import os
import sys

from benchmarks import imports, manifest, memory, pages, processes, replacement
from benchmarks.report import publish

PARTS = {
    "manifest": manifest.measure,
    "processes": processes.measure,
    "pages": pages.measure,
    "imports": imports.measure,
    "memory": memory.measure,
    "replacement": replacement.measure,
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"No such benchmark: {', '.join(unknown)}. There are: {', '.join(PARTS)}", file=sys.stderr)
        return 2
    rows = []
    for name in names or list(PARTS):
        print(f"measuring: {name}", file=sys.stderr, flush=True)
        rows += PARTS[name]()
    publish(rows, os.environ.get("OUT", ""))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
