"""What lies where in the folder of one site, and how its documents are written. Standard library only.

wanted.json             the wish that holds now; written by the adapter
generations/N/          what generation N was started with: wanted.json, site.yaml, secrets/ (files 0600)
seen.json               what the supervisor sees; written by it alone
data/                   everything embedded: databases, uploads
logs/                   one file a process, rotated by size
run/                    the supervisor's lock
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
from pathlib import Path
from typing import Any

Document = dict[str, Any]

MARKER = "WEBSTREET_SUPERVISED"
"""Environment variable of every supervised process: the folder of its site. Its leftovers are found by it."""

PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")
"""All that a site's processes get from the environment of whoever started them."""


class Folder:
    """The paths of one site's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.wanted = path / "wanted.json"
        self.seen = path / "seen.json"
        self.generations = path / "generations"
        self.data = path / "data"
        self.logs = path / "logs"
        self.run = path / "run"
        self.lock = self.run / "supervisor.lock"

    def generation(self, number: int) -> Path:
        return self.generations / str(number)

    def wish(self, number: int) -> Document | None:
        """The wish as it was when generation ``number`` was handed over; None if that is no longer kept."""
        return read_json(self.generation(number) / "wanted.json")


def read_json(path: Path) -> Document | None:
    """The document, or None if there is none that can be used (missing, or damaged by hand: we replace files in one go)."""
    try:
        data = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return data if isinstance(data, dict) else None


def write_bytes(path: Path, content: bytes) -> None:
    """Replace a file in one go, mode 0600: a reader sees the old content or the new, also after a power cut.

    Each file has one writer at a time, so what a killed one left is overwritten by the next.
    """
    temporary = path.with_name(f".{path.name}.new")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(handle, view) :]
            os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def write_json(path: Path, document: Document) -> None:
    write_bytes(path, (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode())


def make_private(path: Path) -> None:
    """Make a folder and the missing ones above it, all for this user alone."""
    for folder in (*reversed(path.parents), path):
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)


def delete_tree(path: Path) -> None:
    """Delete a folder with everything in it; one that is not there is deleted already."""
    for folder, folders, files in os.walk(path, topdown=False):
        for name in files:
            _unlink(os.path.join(folder, name))
        for name in folders:
            inner = os.path.join(folder, name)
            if os.path.islink(inner):
                _unlink(inner)
            else:
                _rmdir(inner)
    _rmdir(os.fspath(path))


def _unlink(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _rmdir(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.rmdir(path)


def take_lock(path: Path) -> int | None:
    """An exclusive lock held until the returned descriptor is closed (also by death); None if another process has it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return None
        raise
    return handle


def boot_id() -> str:
    """Changes with every start of the machine, so that a pid of the last one is not believed."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def started(pid: int) -> int | None:
    """When process ``pid`` started, in clock ticks since boot (field 22 of proc(5) stat); None if it does not run."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = stat[stat.rindex(b")") + 2 :].split()
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def runs(document: Document | None) -> bool:
    """Whether the process that ``document`` names by pid, start and boot is the one that runs now."""
    if not document or not isinstance(document.get("pid"), int):
        return False
    now = started(document["pid"])
    return now is not None and now == document.get("start") and document.get("boot") == boot_id()
