"""The requests this process answered. Counted on every answer, so it is plain numbers; `exposition` makes metrics of them when asked."""

from __future__ import annotations

import threading
from bisect import bisect_left

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"})

Labels = tuple[str, str, str]
"""Method, class of the status ("2xx"), result of the page cache (hit, miss, bypass)."""


class Traffic:
    """Counts by `Labels`; for each how many answers fell into each bucket (the last: slower than all), and their seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: dict[Labels, list[int]] = {}
        self._seconds: dict[Labels, float] = {}

    def count(self, method: str, status: str, cache: str, seconds: float) -> None:
        labels = (method if method in METHODS else "other", f"{status[:1]}xx", cache)
        place = bisect_left(BUCKETS_S, seconds)
        with self._lock:
            buckets = self._buckets.get(labels)
            if buckets is None:
                buckets = self._buckets[labels] = [0] * (len(BUCKETS_S) + 1)
            buckets[place] += 1
            self._seconds[labels] = self._seconds.get(labels, 0.0) + seconds

    def counted(self) -> dict[Labels, tuple[list[int], float]]:
        with self._lock:
            return {labels: (list(buckets), self._seconds[labels]) for labels, buckets in self._buckets.items()}


traffic = Traffic()
