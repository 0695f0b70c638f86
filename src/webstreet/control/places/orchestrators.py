"""Which adapter speaks to which cluster."""

from __future__ import annotations

from django.conf import settings

from webstreet.control.orchestrators.base import Orchestrator
from webstreet.control.places.models import Cluster
from webstreet.kernel.errors import Broken

_made: dict[int, Orchestrator] = {}


class OrchestratorUnknown(Broken):
    """A cluster has a kind for which this installation has no adapter."""

    code = "orchestrator.unknown"


def orchestrator_for(cluster: Cluster) -> Orchestrator:
    """The adapter for ``cluster``; one instance a process."""
    if cluster.pk not in _made:
        _made[cluster.pk] = of_kind(cluster.kind)
    return _made[cluster.pk]


def use(cluster: Cluster, orchestrator: Orchestrator) -> None:
    """Speak to ``cluster`` through this instance from now on."""
    _made[cluster.pk] = orchestrator


def forget() -> None:
    """Make every adapter anew when it is next asked for."""
    _made.clear()


def of_kind(kind: str) -> Orchestrator:
    """A new adapter of that kind; needs no database, so that what runs can be stopped without one."""
    if kind == Cluster.Kind.PROCESSES:
        from webstreet.control.orchestrators.processes import ProcessesOrchestrator

        return ProcessesOrchestrator(settings.STATE.processes)
    raise OrchestratorUnknown(f'A cluster is of the kind "{kind}", which nothing here can run.')
