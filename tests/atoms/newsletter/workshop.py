"""Worker processes that are there at once: each is forked from a process that has loaded everything."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping

_FORKING = """
import os, signal, sys
from django.db import connections
from webstreet.engine.tasks.worker import work
connections.close_all()
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for line in sys.stdin:
    pid = os.fork()
    if not pid:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os._exit(work())
    print(pid, flush=True)
"""


class Workshop:
    """Makes worker processes of a site. ``first``: code that changes something about all of them."""

    def __init__(self, environ: Mapping[str, str], first: str = "") -> None:
        command = [sys.executable, "-m", "webstreet.engine", "manage", "shell", "--no-imports", "-c", first + _FORKING]
        self._process = subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.workers: list[int] = []

    def start(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        self.workers.append(int(self._process.stdout.readline()))

    def kill(self, pid: int) -> None:
        self.workers.remove(pid)
        os.kill(pid, signal.SIGKILL)

    def end(self) -> None:
        for pid in list(self.workers):
            with contextlib.suppress(ProcessLookupError):
                self.kill(pid)
        self._process.kill()
        self._process.wait(10)
