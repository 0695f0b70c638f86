"""How long the web process and the worker wait for one answer of a database server, the site's or an atom's own.

A server that was frozen, or whose machine was, keeps its connections open and says nothing: no time-out of TCP ends that. A request
would wait for ever, and a worker with it, and all the work that needs other databases.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

ANSWER_WITHIN_S = 15.0


class _Patience(threading.local):
    """``extra`` is this thread's, inside `patiently`."""

    extra = False


_here = _Patience()
_limited = threading.Event()


def limit() -> None:
    """From now on this process waits `ANSWER_WITHIN_S` for a statement. One-off commands wait as long as a migration takes."""
    _limited.set()


def timeout_s() -> float | None:
    """For the next statement; None: without end."""
    return ANSWER_WITHIN_S if _limited.is_set() and not _here.extra else None


@contextlib.contextmanager
def patiently() -> Iterator[None]:
    """Around a statement that is long because it does much, such as writing the audience of an issue."""
    before, _here.extra = _here.extra, True
    try:
        yield
    finally:
        _here.extra = before
