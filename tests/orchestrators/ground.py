"""ProcessesOrchestrator on the small site program, and what is cleaned up afterwards."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.conformance.orchestrator import Ground
from webstreet.control.orchestrators.base import Workload
from webstreet.control.orchestrators.processes import ProcessesOrchestrator
from webstreet.control.orchestrators.processes.wish import Programs

_SITE = (sys.executable, "-S", str(Path(__file__).with_name("site_program.py")))
SMALL = Programs(
    prepare=(*_SITE, "prepare"), web=(*_SITE, "web", "--fd", "{fd}"), worker=(*_SITE, "worker"), command=_SITE,
    ready_s=5, stop_s=5,
)  # fmt: skip


def broken(wish: Workload, part: str = "web") -> Workload:
    return replace(wish, settings={**wish.settings, "SAMPLE_BROKEN": part})


@contextmanager
def processes(root: Path, programs: Programs = SMALL) -> Iterator[Ground]:
    orchestrator = ProcessesOrchestrator(root, programs)
    try:
        yield Ground(orchestrator, tick=lambda: time.sleep(0.05), broken=broken)
    finally:
        orchestrator.halt()
