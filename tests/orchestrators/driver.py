"""A control plane in small that can be killed: carries out orders with Loop.once until everything is settled.

Each line of standard input is an order {"wishes": [...], "kill_at": [site, name, moment] or null}; each is carried out by a fork
of this process, whose exit status is the answer (-9: it killed itself at the step it was told).
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.conformance.orchestrator import workload
from tests.orchestrators.ground import SMALL
from webstreet.control.orchestrators.base import Step
from webstreet.control.orchestrators.processes import ProcessesOrchestrator
from webstreet.control.reconcile.loop import Loop
from webstreet.control.reconcile.plan import Settled, Wanted
from webstreet.kernel.clock import SystemClock
from webstreet.kernel.ids import SiteId

DEADLINE_S = 40.0


def wanted(wish: dict[str, Any]) -> Wanted:
    site = SiteId.parse(wish["site"])
    made = replace(workload(wish["generation"], site), suspended=wish.get("suspended", False))
    return Wanted(made, bool(wish.get("closing")), wish.get("label", ""))


def carry_out(root: Path, order: dict[str, Any], programs: Any = SMALL) -> int:
    wishes = {SiteId.parse(w["site"]): wanted(w) for w in order["wishes"]}

    def here(step: Step, name: str, moment: str) -> None:
        if order["kill_at"] == [str(step.site), name, moment]:
            os.kill(os.getpid(), signal.SIGKILL)

    orchestrator = ProcessesOrchestrator(root, programs, on_sub_step=here)
    loop = Loop(
        lambda: wishes,
        lambda seen, plan: None,
        orchestrator,
        SystemClock(),
        lambda step, moment: here(step, step.name, moment),
    )
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        plan = loop.once()
        if all(isinstance(plan.results[site], Settled) for site in wishes):
            return 0
        time.sleep(0.05)
    print({str(s): r for s, r in plan.results.items()}, file=sys.stderr)
    return 1


def main(root: Path) -> None:
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            os._exit(carry_out(root, json.loads(line)))
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
