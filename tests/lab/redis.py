"""Redis from Debian's ``redis-server`` package, in memory only."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import redis

from tests.lab import base

PACKAGE = "redis-server"
URL_VARIABLE = "LAB_REDIS_URL"


@dataclass(frozen=True, slots=True)
class Redis:
    """A running server. ``url`` names its database 0."""

    url: str
    pid: int | None = None

    def dump(self) -> bytes:
        """Everything the server holds, as one blob to search in."""
        with redis.Redis.from_url(self.url) as connection:
            return b"\n".join(key + b"\0" + (connection.dump(key) or b"") for key in connection.scan_iter(count=1000))


@contextlib.contextmanager
def running() -> Iterator[Redis]:
    """A server of our own, or the one that LAB_REDIS_URL names.

    Raises:
        base.Missing: Redis is not installed.
    """
    if os.environ.get(URL_VARIABLE):
        yield Redis(os.environ[URL_VARIABLE])
        return
    binary = where()
    with base.folder("redis") as root:
        port = base.free_port()
        command = [
            *(binary, "--port", str(port), "--bind", "127.0.0.1", "--dir", root),
            *("--save", "", "--appendonly", "no", "--rdbcompression", "no", "--databases", "64"),
        ]
        url = f"redis://127.0.0.1:{port}/0"
        with base.server(command, cwd=root, ready=lambda: _answers(url)) as process:
            yield Redis(url, process.pid)


def version() -> str:
    """As in "7.0.15"."""
    text = subprocess.run([where(), "--version"], capture_output=True, text=True, timeout=20, check=True).stdout
    return next(word.removeprefix("v=") for word in text.split() if word.startswith("v="))


def where() -> Path:
    return base.find("redis-server", package=PACKAGE)


def _answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=2) as connection:
            return bool(connection.ping())
    except redis.RedisError:
        return False
