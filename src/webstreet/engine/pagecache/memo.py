"""Pieces of pages that a process remembers for as long as the journal says that they hold: the same rule as for whole pages.

For what every page needs and hardly anybody changes. Inside a transaction nothing is remembered: it may see what is never committed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.db import connection

from webstreet.engine.pagecache import SITE
from webstreet.engine.pagecache.journal import State, reader

Value = TypeVar("Value")
ENTRIES_MAX = 1000
_kept: dict[str, tuple[State, int, Any]] = {}


def remembered(key: str, make: Callable[[], Value], tag: str = SITE) -> Value:
    """What ``make`` returned for ``key`` the last time, unless `expire` was called for ``tag`` or for `SITE` since.

    Threads share it: nobody may change it.
    """
    if connection.in_atomic_block:
        return make()
    state = reader.current()
    if state is None:
        return make()
    token = state.token(SITE) if tag == SITE else state.token(SITE) + state.token(tag)
    found = _kept.get(key)
    if found is not None and (found[0] is state or found[1] == token):
        value: Value = found[2]
        return value
    value = make()
    if len(_kept) >= ENTRIES_MAX:
        _kept.clear()
    _kept[key] = (state, token, value)
    return value


def forget() -> None:
    """For tests: as in a new process."""
    _kept.clear()
