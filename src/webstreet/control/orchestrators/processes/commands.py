"""One-off commands of a site, and the reading of its logs."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from webstreet.control.orchestrators.base import CommandResult, CommandTooLong, OrchestratorError
from webstreet.control.orchestrators.processes.folder import PASSED_ON, Folder
from webstreet.kernel import process as ending

TAIL_BYTES = 2_000_000
STREAM_BYTES = 256 * 1024
FOLLOW_S = 0.2
_STAMP = re.compile(r".{0,40}?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?)")
_PROGRESS = re.compile(r'\{"kind": ?"progress"')
ATTACHED = (sys.executable, "-S", "-E", str(ending.__file__))


class CommandFailed(OrchestratorError):
    """A one-off command could not be started."""

    code = "orchestrator.command_failed"


def run(
    wanted: Mapping[str, Any],
    folder: Folder,
    command: Sequence[str],
    on_line: Callable[[str], None] | None,
    timeout_s: float,
) -> CommandResult:
    """Run a command with the environment that ``wanted`` gives; its two outputs are read side by side.

    Raises:
        CommandTooLong: it ran longer than ``timeout_s``; it and what it had started are ended.
    """
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ} | wanted["environment"]
    try:
        process = subprocess.Popen(
            [*ATTACHED, str(os.getpid()), *wanted["command"], *command], env=environment, cwd=folder.path, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it contains a NUL character"
        raise CommandFailed(f"The command {command[:1]} cannot be started: {why}.") from None
    errors: list[str] = []
    reader = threading.Thread(target=lambda: errors.extend(process.stderr or ()), daemon=True)
    reader.start()
    printed: list[str] = []
    limit = _Limit(process, timeout_s)
    try:
        for line in process.stdout or ():
            printed.append(line)
            if on_line:
                on_line(line.rstrip("\n"))
        code = process.wait()
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    finally:
        limit.cancel()
        process.wait()
        reader.join()
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()
    if limit.reached:
        raise CommandTooLong(
            f"The command {command[0]} had not ended after {_long(timeout_s)} and was ended; what it had finished stays."
        )
    return CommandResult(code, "".join(printed), "".join(errors))


def stream(wanted: Mapping[str, Any], folder: Folder, command: Sequence[str], timeout_s: float) -> Iterator[bytes]:
    """The bytes that a command writes to its standard output.

    Starts when the first is asked for. The process belongs to the thread that asks.
    """
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ} | wanted["environment"]
    try:
        process = subprocess.Popen(
            [*ATTACHED, str(os.getpid()), *wanted["command"], *command], env=environment, cwd=folder.path, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    except (OSError, ValueError):
        raise CommandFailed(f"The command {command[:1]} cannot be started.") from None
    limit = _Limit(process, timeout_s)
    written: Any = process.stdout
    try:
        while chunk := written.read1(STREAM_BYTES):
            yield chunk
    finally:
        limit.cancel()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        written.close()


class _Limit(threading.Timer):
    """Ends a command, and what it started, when its time is over."""

    def __init__(self, process: subprocess.Popen[Any], timeout_s: float) -> None:
        super().__init__(timeout_s, self._reach)
        self.daemon = True
        self.reached = False
        self._process = process
        self.start()

    def _reach(self) -> None:
        # Looked at without reaping: while the pid is a child of ours, nobody else's group can have its number.
        with contextlib.suppress(ChildProcessError, ProcessLookupError):
            runs = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
            self.reached = self.reached or runs
            os.killpg(self._process.pid, signal.SIGKILL)


def _long(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds >= 120 else f"{seconds:g} s"


def tail(folder: Folder, process: str, lines: int, follow: bool) -> Iterator[str]:
    """The last lines of one log, or the newest of all of them by time, each under its name; then new ones as they come.

    How far `prepare` came is in its own log only: it would crowd out what the processes say.
    """
    names = [process] if process else sorted(path.name.removesuffix(".log") for path in folder.logs.glob("*.log"))
    followed: list[_Followed] = []
    dated: list[tuple[str, str]] = []
    found: Sequence[str] = ()
    for name in names:
        path = folder.logs / f"{name}.log"
        position, last = _last(path)
        followed.append(_Followed(path, "" if process else f"{name}: ", position))
        if process:
            found = last
        else:
            dated += [(at, f"{name}: {line}") for at, line in _dated(last, path) if not _PROGRESS.match(line)]
    if not process:
        found = [line for _, line in sorted(dated, key=lambda pair: pair[0])]
    yield from found[-lines:] if lines > 0 else ()
    while follow:
        new = [
            line for log in followed for line in log.new() if process or not _PROGRESS.match(line.partition(": ")[2])
        ]
        yield from new
        if not new:
            yield ""  # a reader that has gone away is noticed only when something is handed to it
            time.sleep(FOLLOW_S)


def _dated(lines: Sequence[str], path: Path) -> Iterator[tuple[str, str]]:
    """Each line with its time stamp, or that of the line before it (a traceback); where there is none, when the log was last written."""
    stamps = [found[1] if (found := _STAMP.match(line)) else "" for line in lines]
    at = next(filter(None, stamps), "")
    if not at and lines:
        with contextlib.suppress(FileNotFoundError):
            at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(path.stat().st_mtime))
    for stamp, line in zip(stamps, lines, strict=True):
        at = stamp or at
        yield at, line


def _last(path: Path) -> tuple[int, list[str]]:
    """The position after the last complete line, and the lines before it, as many as are worth reading."""
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - TAIL_BYTES))
            content = file.read(end - file.tell())
    except FileNotFoundError:
        return 0, []
    complete = content[: content.rfind(b"\n") + 1]
    return end - (len(content) - len(complete)), complete.decode("utf-8", "replace").splitlines()


class _Followed:
    """One log being followed, also across its rotation."""

    def __init__(self, path: Path, prefix: str, position: int) -> None:
        self._path = path
        self._prefix = prefix
        self._position = position
        self._file = self._inode()

    def _inode(self) -> int:
        try:
            return self._path.stat().st_ino
        except OSError:
            return 0

    def new(self) -> list[str]:
        inode = self._inode()
        if inode != self._file:
            found = self._read(self._path.with_name(self._path.name + ".1")) if self._file else []
            self._file, self._position = inode, 0
            return found + self._read(self._path)
        return self._read(self._path)

    def _read(self, path: Path) -> list[str]:
        try:
            with path.open("rb") as file:
                file.seek(self._position)
                content = file.read(TAIL_BYTES)
        except OSError:
            return []
        complete = content[: content.rfind(b"\n") + 1]
        self._position += len(complete)
        return [self._prefix + line for line in complete.decode("utf-8", "replace").splitlines()]
