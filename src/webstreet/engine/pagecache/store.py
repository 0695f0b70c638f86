"""The pages that this process keeps, the least recently used going first, and what Redis keeps for all processes."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from typing import Any

from django.core.cache import caches

from webstreet.engine.pagecache.entry import LIFETIME_S, Entry
from webstreet.engine.pagecache.journal import State

MAX_BYTES = 16 * 1024 * 1024


class Store:
    """Bounded by bytes; one instance a process."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.max_bytes, self.bytes = max_bytes, 0
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def entries(self) -> list[Entry]:
        with self._lock:
            return list(self._entries.values())

    def get(self, key: str, state: State) -> Entry | None:
        """The page if it still holds; one that does not is dropped."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            if entry.holds(state):
                self._entries.move_to_end(key)
                return entry
            self._drop(key)
            return None

    def put(self, key: str, entry: Entry) -> None:
        if entry.size_bytes > self.max_bytes // 4:
            return
        with self._lock:
            if key in self._entries:
                self._drop(key)
            self._entries[key] = entry
            self.bytes += entry.size_bytes
            while self.bytes > self.max_bytes:
                self._drop(next(iter(self._entries)))

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self.bytes = 0

    def _drop(self, key: str) -> None:
        self.bytes -= self._entries.pop(key).size_bytes


class Shared:
    """In Redis, so that a page made by one process need not be made by the next. What it gives is checked like everything else; a Redis
    that is away or was emptied only means that pages are made again.

    Args:
        of: what pages are made by; another release or manifest makes others.
    """

    def __init__(self, of: str) -> None:
        self._prefix = f"page:{hashlib.sha256(of.encode()).hexdigest()[:16]}:"

    def get(self, key: str, state: State) -> Entry | None:
        found: Any = caches["default"].get(self._name(key))
        if found is None:
            return None
        made_at, headers, body, packed, tokens, until = found
        left_s = LIFETIME_S - (time.time() - made_at)
        if not 0 < left_s <= LIFETIME_S:
            return None
        entry = Entry(headers, body, packed, tokens, time.monotonic() + left_s, until)
        return entry if entry.holds(state) else None

    def put(self, key: str, entry: Entry) -> None:
        kept = (time.time(), entry.headers, entry.body, entry.packed, entry.tokens, entry.until)
        caches["default"].set(self._name(key), kept, LIFETIME_S)

    def _name(self, key: str) -> str:
        return self._prefix + hashlib.sha256(key.encode()).hexdigest()
