"""Servers of the lab that can be stopped and started again on the same port, with the same data."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.faults.site import until
from tests.lab import base, postgres, redis

STOP_TIMEOUT_S = 60
DROPPED_AFTER_MAX = 8
"""Connections: a queue for none takes one or two."""


class Server:
    """A server of a module of ``tests.lab``, our own even where a running one is named."""

    def __init__(self, running: Any, module: ModuleType) -> None:
        self.lab = running
        self.port = urlsplit(running.url).port or 0
        self.pid: int = running.pid
        self._argv = self._command(module)
        self._cwd = os.readlink(f"/proc/{self.pid}/cwd")
        # SIGTERM lets PostgreSQL wait for its clients.
        self._stop = signal.SIGINT if module is postgres else signal.SIGTERM
        self._again: subprocess.Popen[bytes] | None = None

    def _command(self, module: ModuleType) -> list[str]:
        """How it was started. Redis writes something else over it."""
        if module is redis:
            return [
                str(redis.where()),
                "--port",
                str(self.port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--databases",
                "64",
            ]
        return Path(f"/proc/{self.pid}/cmdline").read_text().removesuffix("\0").split("\0")

    def stop(self) -> None:
        """End it; returns when its port refuses."""
        os.kill(self.pid, self._stop)
        until(lambda: not self._answers(), seconds=STOP_TIMEOUT_S, pause=0.02, what=f"{self._argv[0]} refuses")
        if self._again:
            self._again.wait(STOP_TIMEOUT_S)
        until(lambda: _is_gone(self.pid), seconds=STOP_TIMEOUT_S, pause=0.02, what=f"{self._argv[0]} ends")

    def start(self, *more: str) -> None:
        """The same program again, with ``more`` arguments this once; returns when its port accepts."""
        self._again = subprocess.Popen(
            [*self._argv, *more], cwd=self._cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, **base._as_user(),
        )  # fmt: skip
        self.pid = self._again.pid
        deadline = time.monotonic() + base.READY_TIMEOUT_S
        while not self._answers():
            assert time.monotonic() < deadline, f"{self._argv[0]} does not come back"
            time.sleep(0.05)

    def end(self) -> None:
        if self._again and self._again.poll() is None:
            self._again.send_signal(signal.SIGCONT)
            self._again.kill()
            self._again.wait(30)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


def _is_gone(pid: int) -> bool:
    """A child of the lab's own is a zombie until the lab looks: it holds nothing any more."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@contextlib.contextmanager
def own(module: ModuleType) -> Iterator[Server]:
    """A server of ``module`` that a test may stop.

    Raises:
        base.Missing: it is not installed.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(module.URL_VARIABLE, raising=False)
        with module.running() as running:
            server = Server(running, module)
            try:
                yield server
            finally:
                server.end()


@contextlib.contextmanager
def dropping(port: int) -> Iterator[None]:
    """While the block lasts, who connects to ``port`` hears nothing at all, as behind a firewall that drops packets: the queue of
    connections that wait to be accepted is full, and Linux drops whatever asks for a place in it.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(socket.create_server(("127.0.0.1", port), backlog=0))
        for _ in range(DROPPED_AFTER_MAX):
            try:
                stack.enter_context(socket.create_connection(("127.0.0.1", port), 0.5))
            except TimeoutError:
                break
        else:
            raise AssertionError("this system accepts more connections than the queue has places for")
        yield
