"""Sites as local processes: one small, detached supervisor a site holds its port, starts its processes and needs no control plane.

Owns the folder of each site (`folder` says what lies where), the supervisor's program (`supervisor` and the modules it uses:
`child`, `release`, `door`, `logfile`, `folder`) and the adapter (`orchestrator`, `wish`, `sight`, `commands`, `supervision`).

Invariants:
- The supervisor's modules use the standard library only and stay small: there is one such process for every site.
- Only the supervisor writes seen.json, only the adapter writes wanted.json and generations/; every file is replaced in one go.
- The listening socket belongs to the supervisor, so processes come and go without a connection being refused.
- Secrets lie in files of mode 0600 and are handed over by name; no process gets the environment of the control plane.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from webstreet.control.orchestrators.processes.orchestrator import ProcessesOrchestrator

__all__ = ["ProcessesOrchestrator"]


def __getattr__(name: str) -> object:
    """Loads the adapter only when it is asked for: the supervisor imports this package too, and must stay small."""
    if name != "ProcessesOrchestrator":
        raise AttributeError(name)
    from webstreet.control.orchestrators.processes.orchestrator import ProcessesOrchestrator

    return ProcessesOrchestrator
