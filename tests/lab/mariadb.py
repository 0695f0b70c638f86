"""MariaDB from Debian's ``mariadb-server`` package, in its own data folder; never the system's service.

MySQL itself is in no Debian release; a contributor who has one names it with ``LAB_MARIADB_URL`` (``mysql://root@127.0.0.1:3306/``).
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import pymysql

from tests.lab import base

PACKAGE = "mariadb-server"
URL_VARIABLE = "LAB_MARIADB_URL"
BINARIES = "/usr/sbin"
# Nothing here has to survive a crash of the machine; a test's data are thrown away.
FAST = (
    *("--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--innodb-doublewrite=0"),
    *("--sync-binlog=0", "--skip-log-bin", "--innodb-buffer-pool-size=192M", "--max-connections=200"),
    *("--performance-schema=OFF", "--skip-name-resolve", "--innodb-stats-persistent=OFF"),
)
# What a benchmark of durable writes needs: the server's own settings, on a machine of some memory.
DURABLE = (
    *("--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=1G", "--innodb-log-file-size=1G"),
    *("--skip-log-bin", "--max-connections=200", "--skip-name-resolve"),
)


@dataclass(frozen=True, slots=True)
class MariaDB:
    """A running server. ``url`` is of a user who may do everything, on no database."""

    url: str
    pid: int | None = None

    def database(self, name: str) -> str:
        """Make the empty database ``name`` (dropping one of that name) and return its URL.

        With the collation that Debian's server gives when nobody asks for one: what the engine needs, it must see to itself.
        """
        with self.connection() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS `{name}`")
            cursor.execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
        return self.url_of(name)

    def drop(self, name: str) -> None:
        """Remove the database ``name`` if it is there."""
        with self.connection() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS `{name}`")

    def url_of(self, name: str) -> str:
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    @contextlib.contextmanager
    def connection(self, name: str = "") -> Iterator[pymysql.cursors.Cursor]:
        """A cursor of a connection of its own, to the database ``name`` if one is named."""
        with contextlib.closing(_connect(self.url, database=name or None)) as opened, opened.cursor() as cursor:
            yield cursor

    def version(self) -> str:
        """As the server says it: "10.11.19-MariaDB-0+deb12u1"."""
        with self.connection() as cursor:
            cursor.execute("SELECT VERSION()")
            return str(cursor.fetchone()[0])


@contextlib.contextmanager
def running(*, durable: bool = False) -> Iterator[MariaDB]:
    """A server of our own, or the one that LAB_MARIADB_URL names.

    Args:
        durable: it waits for the disk at each commit, as in real life.

    Raises:
        base.Missing: MariaDB is not installed.
    """
    if os.environ.get(URL_VARIABLE):
        yield MariaDB(os.environ[URL_VARIABLE])
        return
    binary = where()
    installer = base.find("mariadb-install-db", package=PACKAGE)
    with base.folder("mariadb") as root:
        data, port = root / "data", base.free_port()
        base.run(
            [
                *(installer, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal"),
                *("--skip-test-db", "--skip-name-resolve", "--innodb-flush-method=nosync"),
            ],
            cwd=root,
        )
        temporary = root / "tmp"
        temporary.mkdir(mode=0o777)
        temporary.chmod(0o777)
        # The socket's name is short and within the data folder: a deep temporary folder would make it too long.
        command = [
            *(binary, "--no-defaults", f"--datadir={data}", "--socket=sock", f"--port={port}"),
            *("--bind-address=127.0.0.1", f"--pid-file={root / 'pid'}", *(DURABLE if durable else FAST)),
            # Its own: a server that starts removes every temporary table in its folder, and the other servers whose they are crash.
            f"--tmpdir={temporary}",
        ]
        url = f"mysql://root@127.0.0.1:{port}/"
        with base.server(command, cwd=root, ready=lambda: _answers(url)) as process:
            yield MariaDB(url, process.pid)


def version() -> str:
    """As in "10.11.19"."""
    text = subprocess.run([where(), "--version"], capture_output=True, text=True, timeout=20, check=True).stdout
    found = re.search(r"\d+\.\d+\.\d+", text)
    return found.group() if found else text.strip()


def where() -> Path:
    return base.find("mariadbd", package=PACKAGE, folders=BINARIES)


def _connect(url: str, *, database: str | None = None) -> pymysql.Connection:
    parts = urlsplit(url)
    return pymysql.connect(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 3306,
        user=unquote(parts.username or "root"),
        password=unquote(parts.password or ""),
        database=database,
        autocommit=True,
        connect_timeout=2,
        charset="utf8mb4",
    )


def _answers(url: str) -> bool:
    try:
        _connect(url).close()
    except pymysql.Error:
        return False
    return True
