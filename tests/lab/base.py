"""What the servers of the lab share: finding binaries, a folder and a port, starting, waiting, stopping by process."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 15.0


class Missing(Exception):
    """The server is not on this machine. The text says what to type."""


def find(name: str, *, package: str, folders: str = "") -> Path:
    """The newest binary ``name`` in ``folders`` (a glob), else in PATH.

    Raises:
        Missing: with the line that installs ``package``.
    """
    versions = sorted(Path("/").glob(f"{folders.lstrip('/')}/{name}"), key=_version) if folders else []
    found = str(versions[-1]) if versions else shutil.which(name)
    if not found:
        raise Missing(f"{name} is not installed: type `make lab` as root, or `apt-get install {package}`")
    return Path(found)


def _version(path: Path) -> list[int]:
    return [int(part) for part in path.parts if part.isdigit()]


def unprivileged() -> pwd.struct_passwd | None:
    """Whom to run a server as: nobody when we are root (PostgreSQL refuses root), else ourselves (None)."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


@contextlib.contextmanager
def folder(prefix: str) -> Iterator[Path]:
    """An empty temporary folder that the server's user owns; removed at the end."""
    path = Path(tempfile.mkdtemp(prefix=f"webstreet-lab-{prefix}-"))
    try:
        user = unprivileged()
        if user:
            os.chown(path, user.pw_uid, user.pw_gid)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(command: Sequence[str | Path], *, cwd: Path) -> None:
    """Run a preparation (initdb) as the server's user; its output is shown only if it fails."""
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=READY_TIMEOUT_S, **_as_user()
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed ({done.returncode}): {done.stderr or done.stdout}")


@contextlib.contextmanager
def server(
    command: Sequence[str | Path], *, cwd: Path, ready: Callable[[], bool], stop: int = signal.SIGTERM
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server in the foreground until the block ends.

    Args:
        ready: asked every 50 ms until it says True.
        stop: the signal that ends it quickly and cleanly.
    """
    log = cwd / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            **_as_user(),
        )
    try:
        _wait(process, ready, log)
        yield process
    finally:
        _stop(process, stop)


def _as_user() -> dict[str, object]:
    user = unprivileged()
    if not user:
        return {}
    # HOME belongs to root; a server that looks there must find nothing rather than fail.
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "env": os.environ | {"HOME": "/nonexistent"}}


def _wait(process: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            state = "ended" if process.poll() is not None else "is not ready"
            raise RuntimeError(f"{process.args} {state}:\n{log.read_text('utf-8', 'replace')[-2000:]}")
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes], first: int) -> None:
    if process.poll() is not None:
        return
    process.send_signal(first)
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
