"""One process of a site, started and watched by the supervisor. Standard library only."""

from __future__ import annotations

import contextlib
import os
import secrets
import selectors
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from webstreet.control.orchestrators.processes.folder import MARKER, started
from webstreet.control.orchestrators.processes.logfile import LogFile
from webstreet.kernel.process import die_with_parent

LINE_MAX = 8192


class Ear:
    """Hears what a process says of itself by sd_notify(3): READY=1 once it answers, STATUS=a sentence before that.

    The address is abstract, so that the depth of a folder does not matter; messages of other users are not believed.
    """

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        self._name = f"webstreet-{secrets.token_hex(16)}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.bind(f"\0{self._name}")
        selector.register(self._socket, selectors.EVENT_READ, self._hear)
        self.ready = False
        self.status = ""

    @property
    def address(self) -> str:
        return f"@{self._name}"

    def _hear(self, _: int) -> None:
        with contextlib.suppress(BlockingIOError):
            message, extra, _flags, _from = self._socket.recvmsg(4096, socket.CMSG_SPACE(struct.calcsize("3i")))
            users = [struct.unpack("3i", data[:12])[1] for level, kind, data in extra if kind == socket.SCM_CREDENTIALS]
            if users != [os.getuid()]:
                return
            for line in message.decode("utf-8", "replace").splitlines():
                name, _equals, value = line.partition("=")
                if name == "READY" and value == "1":
                    self.ready = True
                elif name == "STATUS":
                    self.status = value[:300]

    def close(self) -> None:
        self._selector.unregister(self._socket)
        self._socket.close()


class Child:
    """A running process in its own process group, its output in a log; it dies with the supervisor.

    Args:
        argv: "{fd}" in it becomes the number of the inherited listening socket.
        listener: inherited; with it comes an `Ear`.
        on_line: called with each line of the output, without its end.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        selector: selectors.BaseSelector,
        log: LogFile,
        listener: socket.socket | None = None,
        on_line: Callable[[bytes], None] | None = None,
    ) -> None:
        self.name = name
        self._selector = selector
        self._log = log
        self._on_line = on_line
        self._line = b""
        self.ear = Ear(selector) if listener is not None else None
        self.ended: int | None = None
        self.stop_by: float | None = None
        environment = {**environment, MARKER: str(folder)}
        if self.ear:
            environment["NOTIFY_SOCKET"] = self.ear.address
        inherited = () if listener is None else (listener.fileno(),)
        reading, writing = os.pipe2(os.O_CLOEXEC)
        try:
            self._process = subprocess.Popen(
                [part.replace("{fd}", str(*inherited)) for part in argv],
                env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=writing, stderr=writing,
                pass_fds=inherited, start_new_session=True, preexec_fn=partial(die_with_parent, os.getpid()),
            )  # fmt: skip
        except OSError:
            os.close(reading)
            if self.ear:
                self.ear.close()
            raise
        finally:
            os.close(writing)
        os.set_blocking(reading, False)
        self._output = reading
        selector.register(reading, selectors.EVENT_READ, self._read)
        self.pid = self._process.pid
        self.start = started(self.pid)
        self.since = time.time()
        self.born = time.monotonic()

    @property
    def ready(self) -> bool:
        """It said that it answers, and it still runs."""
        return self.ended is None and self.ear is not None and self.ear.ready

    def stop(self, grace_s: float) -> None:
        """Ask it to finish; `look` kills it when ``grace_s`` is over. Asking twice changes nothing."""
        if self.ended is None and self.stop_by is None:
            self.stop_by = time.monotonic() + grace_s
            self._process.send_signal(signal.SIGTERM)

    def look(self, now: float) -> bool:
        """Whether it has ended (`ended` then holds the exit code, negative for a signal)."""
        if self.ended is not None:
            return True
        if self.stop_by is not None and now >= self.stop_by:
            self._kill_group()
        # Looked at without reaping first: while the pid is ours nobody else's group can have its number.
        if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return False
        self._kill_group()
        self.ended = self._process.wait()
        self._read(0)
        self._close()
        return True

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def _read(self, _: int) -> None:
        for _round in range(16):
            try:
                chunk = os.read(self._output, 65536)
            except BlockingIOError:
                return
            if not chunk:
                with contextlib.suppress(KeyError):
                    self._selector.unregister(self._output)
                return
            self._log.write(chunk)
            if self._on_line:
                *lines, self._line = (self._line + chunk).split(b"\n")
                self._line = self._line[:LINE_MAX]
                for line in lines:
                    self._on_line(line)

    def _close(self) -> None:
        with contextlib.suppress(KeyError):
            self._selector.unregister(self._output)
        os.close(self._output)
        if self.ear:
            self.ear.close()


def end_leftovers(folder: Path, grace_s: float) -> int:
    """End what an earlier supervisor of this folder left running, and say how many that were.

    They were told to finish when it died; what still runs after ``grace_s`` is killed.
    """
    left = _supervised(folder)
    found = len(left)
    deadline = time.monotonic() + grace_s
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    while left := _supervised(folder):
        if time.monotonic() > deadline:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    return found


def _supervised(folder: Path) -> list[int]:
    marker = f"{MARKER}={folder}".encode()
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            if marker in Path(f"/proc/{entry}/environ").read_bytes().split(b"\0") and started(int(entry)) is not None:
                found.append(int(entry))
    return found
