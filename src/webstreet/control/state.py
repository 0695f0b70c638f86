"""The state folder: where an embedded control plane keeps everything it must not lose.

``WEBSTREET_STATE`` names it (default ``~/.local/share/webstreet``); 0700, its files 0600. No Django here.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from webstreet.kernel.errors import Conflict

VARIABLE = "WEBSTREET_STATE"


class StateLocked(Conflict):
    """Another control plane uses this state folder."""

    code = "state.locked"


@dataclass(frozen=True, slots=True)
class State:
    """Paths below one state folder."""

    root: Path

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> State:
        named = environ.get(VARIABLE, "")
        return cls(Path(named).expanduser().resolve() if named else Path.home() / ".local/share/webstreet")

    @property
    def database(self) -> Path:
        return self.root / "control.sqlite3"

    @property
    def spool(self) -> Path:
        """Uploads on their way to a site."""
        return self.root / "spool"

    @property
    def operator_key(self) -> Path:
        return self.root / "operator.key"

    @property
    def address(self) -> Path:
        """``{"url": ..., "pid": ...}`` of the running control plane, for the CLI."""
        return self.root / "control.json"

    @property
    def wake(self) -> Path:
        """Unix datagram socket: one datagram wakes the reconcile loop."""
        return self.root / "wake.sock"

    @property
    def secret_key(self) -> Path:
        return self.root / "secret.key"

    @property
    def vault_keys(self) -> Path:
        return self.root / "vault.keys"

    @property
    def processes(self) -> Path:
        """Root of the processes orchestrator."""
        return self.root / "processes"

    def prepare(self) -> State:
        """Make the folders; repeatable."""
        for folder in (self.root, self.spool):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if folder.stat().st_mode & 0o077:
                folder.chmod(0o700)
        for file in self.root.glob(
            f"{self.database.name}*"
        ):  # made by an older version, or by a program without our umask
            with contextlib.suppress(FileNotFoundError):
                file.chmod(0o600)
        return self

    def django_key(self) -> str:
        """Django's SECRET_KEY: made once, kept in a 0600 file."""
        return read_or_make(self.secret_key, lambda: secrets.token_urlsafe(64))

    def lock(self) -> IO[str]:
        """Hold the folder for one control plane until the returned file is closed or the process ends.

        Raises:
            StateLocked: somebody holds it.
        """
        handle = open_private(self.root / "control.lock", "a+")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.seek(0)
            pid = handle.read().strip()
            handle.close()
            raise StateLocked(
                f"A control plane already runs on {self.root}{f' (process {pid})' if pid else ''}."
                f" Stop it first (webstreet control halt), or name another folder in {VARIABLE}."
            ) from None
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        return handle


def open_private(path: Path, mode: str = "w") -> IO[Any]:
    """Open a file that only its owner may read, from its first byte on."""
    return open(path, mode, opener=lambda name, flags: os.open(name, flags | os.O_CLOEXEC, 0o600))


def write_private(path: Path, text: str) -> None:
    """Replace a 0600 file at once: readers see the old text or the new."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with open_private(fresh) as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    fresh.replace(path)


def read_or_make(path: Path, make: Any) -> str:
    """The text of a 0600 file, made once; two processes that make it at once agree on one."""
    try:
        return path.read_text("utf-8").strip()
    except FileNotFoundError:
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        with open_private(fresh) as handle:
            handle.write(make() + "\n")
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
        return path.read_text("utf-8").strip()


def write_address(state: State, *, url: str) -> None:
    write_private(state.address, json.dumps({"url": url, "pid": os.getpid()}) + "\n")
