"""A log that stays small: rotated by size, a few old files kept. Standard library only."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

KEPT = 3


class LogFile:
    """Appends bytes to a file; past ``limit`` bytes the file becomes NAME.1, the one before it NAME.2, up to NAME.3.

    A full or unwritable disk loses lines rather than stopping a site: `lost` counts the bytes.
    """

    def __init__(self, path: Path, limit: int) -> None:
        self._path = path
        self._limit = limit
        self._file = -1
        self._size = 0
        self.lost = 0

    def write(self, content: bytes) -> None:
        try:
            if self._file < 0:
                self._open()
            if self._size and self._size + len(content) > self._limit:
                self._rotate()
            self._size += os.write(self._file, content)
        except OSError:
            self.lost += len(content)
            self.close()

    def say(self, sentence: str) -> None:
        """A line of our own, with the time."""
        self.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {sentence}\n".encode())

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    def _open(self) -> None:
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._size = os.fstat(self._file).st_size

    def _rotate(self) -> None:
        self.close()
        for number in range(KEPT - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{self._path}.{number}", f"{self._path}.{number + 1}")
        os.replace(self._path, f"{self._path}.1")
        self._open()
