"""Waking the reconcile loop: a datagram on a unix socket in the state folder, sent when a wish was committed.

Nothing depends on its arrival: the loop sweeps every few seconds anyway.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import transaction

LONGEST_PATH = 100
"""A unix socket's address holds 108 bytes; a longer path is reached through its folder's /proc entry."""


def on_commit() -> None:
    """Wake the loop once the transaction in progress is committed (at once if there is none)."""
    transaction.on_commit(lambda: send(settings.STATE.wake), robust=True)


def send(path: Path) -> None:
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender,
        _short(path) as address,
    ):
        sender.setblocking(False)
        sender.sendto(b"!", address)


def listen(path: Path, woken: Callable[[], None], stop: threading.Event) -> None:
    """Call ``woken`` for every datagram until ``stop`` is set."""
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        with _short(path) as address:
            receiver.bind(address)
        path.chmod(0o600)
        receiver.settimeout(0.5)
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                receiver.recv(16)
                woken()


@contextlib.contextmanager
def _short(path: Path):  # type: ignore[no-untyped-def]
    if len(os.fsencode(path)) <= LONGEST_PATH:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
