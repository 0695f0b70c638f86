"""What Prometheus is told about a site at ``/-/metrics``: numbers about the work of the machine, nothing about people.

The web process answers. What the worker does is read from the tables (and queues) that both share, so one address shows the whole site;
with several web processes each shows its own requests and its own cache, and all of them the same state of the tables.

No label has a value that a reader chooses: no path, no address, no name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A gauge, as atoms give it through the hook ``metrics``.

    Attributes:
        name: below ``webstreet_``, with its unit at the end unless it counts things.
        labels: names of the labels; ``values`` has a tuple of as many texts for each series.
    """

    name: str
    doc: str
    values: Mapping[tuple[str, ...], float]
    labels: tuple[str, ...] = ()
