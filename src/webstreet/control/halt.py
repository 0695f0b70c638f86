"""``halt``: leave no process behind, and lose nothing."""

from __future__ import annotations

from django.conf import settings

from webstreet.control.places.models import Cluster
from webstreet.control.places.orchestrators import of_kind


def halt() -> int:
    """Stop the processes of every site on this machine; data and wishes stay. How many sites there were.

    Raises:
        StateLocked: the control plane runs, and would start them again at once.
    """
    with settings.STATE.lock():
        orchestrator = of_kind(str(Cluster.Kind.PROCESSES))
        sites = len(orchestrator.observe())
        orchestrator.halt()
    return sites
