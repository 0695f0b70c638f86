"""``smtp-sink`` and ``smtp-source`` from Debian's ``postfix`` package: a mail server that takes everything at once, and the fastest sender
we can compare with. Postfix itself is never started.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.lab import base

PACKAGE = "postfix"
FOLDERS = "/usr/sbin"
BACKLOG = "1000"


@dataclass(frozen=True, slots=True)
class Sink:
    """A running sink on a port of the loopback. ``log``: what it says."""

    port: int
    pid: int
    log: Path

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def counted(self) -> int:
        """Messages that it took so far, as it counts them itself at each final dot."""
        with self.log.open("rb") as told:
            told.seek(max(0, told.seek(0, os.SEEK_END) - 200))
            found = re.findall(rb"mesg=(\d+)\r", told.read())
        return int(found[-1]) if found else 0

    def source(self, messages: int, *, size_bytes: int, sessions: int = 16) -> float:
        """Have ``smtp-source`` send so many messages over connections that stay open; messages a second."""
        binary = base.find("smtp-source", package=PACKAGE, folders=FOLDERS)
        command = [str(binary), "-d", "-s", str(sessions), "-l", str(size_bytes), "-m", str(messages)]
        began = time.perf_counter()
        subprocess.run([*command, f"127.0.0.1:{self.port}"], check=True, timeout=300, capture_output=True)
        return messages / (time.perf_counter() - began)


@contextlib.contextmanager
def running() -> Iterator[Sink]:
    """Raises `base.Missing`: postfix is not installed."""
    binary, port = where(), base.free_port()
    with base.folder("sink") as root:
        # It gives up its rights by itself, and refuses to be root.
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        log, command = root / "server.log", [str(binary), "-c", *user, f"127.0.0.1:{port}", BACKLOG]
        with log.open("wb") as output:
            process = subprocess.Popen(command, cwd=root, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            _wait(port, process)
            yield Sink(port, process.pid, log)
        finally:
            process.terminate()
            process.wait(base.STOP_TIMEOUT_S)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + base.READY_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise RuntimeError("smtp-sink does not start")


def version() -> str:
    """Of the package."""
    done = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Version}", PACKAGE], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def where() -> Path:
    return base.find("smtp-sink", package=PACKAGE, folders=FOLDERS)
