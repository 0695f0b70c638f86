"""PostgreSQL from Debian's ``postgresql`` package, in its own data folder; never the system's cluster."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tests.lab import base

PACKAGE = "postgresql"
URL_VARIABLE = "LAB_POSTGRES_URL"
BINARIES = "/usr/lib/postgresql/*/bin"
# Nothing here has to survive a crash of the machine; a test's data are thrown away.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=100", "shared_buffers=64MB")
# What a benchmark of durable writes needs: the server's own settings, on a machine of some memory.
DURABLE = ("shared_buffers=512MB", "max_wal_size=4GB", "checkpoint_timeout=15min")


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server. ``url`` is a superuser's, on the database ``postgres``."""

    url: str
    pid: int | None = None

    def database(self, name: str) -> str:
        """Make the empty database ``name`` (dropping one of that name) and return its URL."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            connection.execute(f"CREATE DATABASE \"{name}\" ENCODING 'UTF8' TEMPLATE template0")
        return self.url_of(name)

    def drop(self, name: str) -> None:
        """Remove the database ``name`` if it is there."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def version(self) -> str:
        """As the server says it: "15.18"."""
        with psycopg.connect(self.url) as connection:
            return str(connection.execute("SHOW server_version").fetchone()[0]).split()[0]

    def url_of(self, name: str) -> str:
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))


@contextlib.contextmanager
def running(*, durable: bool = False) -> Iterator[Postgres]:
    """A server of our own, or the one that LAB_POSTGRES_URL names.

    Args:
        durable: it waits for the disk at each commit, as in real life.

    Raises:
        base.Missing: PostgreSQL is not installed.
    """
    if os.environ.get(URL_VARIABLE):
        yield Postgres(os.environ[URL_VARIABLE])
        return
    postgres = base.find("postgres", package=PACKAGE, folders=BINARIES)
    with base.folder("postgres") as root:
        data, port = root / "data", base.free_port()
        base.run(
            [
                postgres.parent / "initdb",
                "-D",
                data,
                "-U",
                "lab",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "-N",
            ],
            cwd=root,
        )
        settings = [word for setting in (DURABLE if durable else FAST) for word in ("-c", setting)]
        # No Unix socket: its path would be too long in a deep temporary folder.
        command = [
            postgres,
            "-D",
            data,
            "-h",
            "127.0.0.1",
            "-p",
            str(port),
            "-c",
            "unix_socket_directories=",
            *settings,
        ]
        url = f"postgresql://lab@127.0.0.1:{port}/postgres"
        with base.server(command, cwd=root, ready=lambda: _answers(url), stop=signal.SIGINT) as process:
            yield Postgres(url, process.pid)


def version() -> str:
    """As in "15.18"."""
    binary = base.find("postgres", package=PACKAGE, folders=BINARIES)
    text = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=20, check=True).stdout
    return text.split()[2]


def where() -> Path:
    return base.find("postgres", package=PACKAGE, folders=BINARIES)


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
