"""Limits on what is costly and open to everybody, per network. Counted in the process, since nothing must be written for a reader; what
must hold for all processes together, or for a long time, is counted in a database (`webstreet.engine.guessing`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse

from webstreet.engine.errors import too_many_requests
from webstreet.engine.network import client_ip, network_of

NETWORKS_MAX = 10_000
"""How many are remembered at once; those of one window are forgotten with it."""
_made: list[PerNetwork] = []


class PerNetwork:
    """At most ``count`` in each window of ``seconds`` from one network: an IPv4 address, or a /64 of IPv6."""

    def __init__(self, count: int, seconds: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.count, self.seconds = count, seconds
        self._clock, self._lock = clock, threading.Lock()
        self._window, self._seen = -1, dict[str, int]()
        _made.append(self)

    def wait_s(self, network: str) -> int:
        """Count one more; 0 if it may go on, else in how many seconds the next may come.

        With more networks in one window than can be remembered, the count of all begins anew: readers are not to suffer for a crowd.
        """
        now = self._clock()
        window = int(now // self.seconds)
        with self._lock:
            if window != self._window or (network not in self._seen and len(self._seen) >= NETWORKS_MAX):
                self._window, self._seen = window, {}
            self._seen[network] = seen = self._seen.get(network, 0) + 1
        return 0 if seen <= self.count else max(1, round((window + 1) * self.seconds - now))

    def forget(self) -> None:
        with self._lock:
            self._seen.clear()


def forget() -> None:
    """Every count, of every limit."""
    for limit in _made:
        limit.forget()


def limited(limit: PerNetwork, *, counts: Callable[[HttpRequest], bool]) -> Callable[..., Callable[..., HttpResponse]]:
    """A view that answers 429 beyond ``limit``. Only requests that ``counts`` says are costly are counted, and refused."""

    def around(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            # Without an address everybody would share one count.
            network = network_of(client_ip(request))
            wait_s = limit.wait_s(network) if network and counts(request) else 0
            return too_many_requests(request, wait_s) if wait_s else view(request, *args, **kwargs)

        return wrapped

    return around
