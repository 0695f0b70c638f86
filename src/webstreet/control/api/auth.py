"""Who calls: a bearer key becomes an `Actor`. Failures are counted by address, so that keys cannot be tried at leisure."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from django.http import HttpRequest
from ninja.security import HttpBearer

from webstreet.control.clients.access import Actor
from webstreet.control.clients.errors import TooManyFailures
from webstreet.control.clients.models import AccessKey

LONGEST_KEY = 200


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

    def clear(self) -> None:
        with self._lock:
            self._counts.clear()


# One wrong key tried over and over is held back early; an address is held back late, since many people may share it.
of_key = Failures(limit=10)
of_address = Failures(limit=100)


def address_of(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


class Bearer(HttpBearer):
    """``Authorization: Bearer KEY``."""

    def authenticate(self, request: HttpRequest, token: str) -> Actor | None:
        address = address_of(request)
        name = f"{address} {token[:12]}"
        if of_key.too_many(name) or of_address.too_many(address):
            raise TooManyFailures(
                "Too many requests with a wrong key came from here. Wait a minute, then check the key."
            )
        key = AccessKey.find(token) if len(token) <= LONGEST_KEY and token.isascii() and token.isprintable() else None
        if key is None:
            of_key.add(name)
            of_address.add(address)
            return None
        key.used()
        return Actor.of_key(key)
