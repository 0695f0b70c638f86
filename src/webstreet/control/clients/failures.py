"""Counting failed attempts to prove who one is, so that neither keys nor passwords can be tried at leisure."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from django.http import HttpRequest


class Failures:
    """Counts failures by a name within a window; forgets the oldest names beyond ``most_names``. One web process keeps one."""

    def __init__(self, limit: int, window_s: float = 60.0, most_names: int = 10_000) -> None:
        self._limit, self._window_s, self._most = limit, window_s, most_names
        self._counts: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._lock = threading.Lock()

    def too_many(self, name: str) -> bool:
        with self._lock:
            count, since = self._counts.get(name, (0, 0.0))
            return count >= self._limit and time.monotonic() - since < self._window_s

    def add(self, name: str) -> None:
        now = time.monotonic()
        with self._lock:
            count, since = self._counts.pop(name, (0, now))
            self._counts[name] = (count + 1, since) if now - since < self._window_s else (1, now)
            while len(self._counts) > self._most:
                self._counts.popitem(last=False)

    def forget(self, name: str) -> None:
        with self._lock:
            self._counts.pop(name, None)

    def clear(self) -> None:
        with self._lock:
            self._counts.clear()


def address_of(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))
