"""Migrated databases on servers, made once in a run of the tests and copied for each site.

Some 200 migrations take ten seconds of a processor, however little a test asks of its database; a dump of what they made is read in a
moment. A prototype is what migrating makes of ``tests/engine/site.yaml``, before anything of a site is written, as the engine keeps it
for SQLite itself. The site's own ``prepare`` still runs: it finds its tables, and does the rest.

For tests that are not about migrating. tests/engine/test_servers.py compares a site made of copies with one that migrated.
"""

from __future__ import annotations

import fcntl
import functools
import os
import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from tests.lab import base, mariadb, postgres

VARIABLE = "LAB_PROTOTYPES"
"""The folder that every process of a run shares. Without it, a process makes its own."""
MANIFEST = Path(__file__).resolve().parents[1] / "engine" / "site.yaml"
URLS = {"default": "DATABASE_URL", "newsletter": "NEWSLETTER_DATABASE_URL"}
MIGRATE = "from webstreet.engine.preparation import migrate_all; migrate_all(lambda step, done, total: None)"
PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR", "XDG_CACHE_HOME")


def filled(url: str, alias: str) -> str:
    """The URL of an empty database, after the prototype of ``alias`` was copied into it. SQLite's are left to the engine.

    Args:
        alias: "default" or "newsletter".

    Raises:
        base.Missing: the server's own tools are not on this machine.
    """
    if (place := _place(url)) is not None:
        place.run(place.reading(), given=_prototype(place, alias))
    return url


class Place(ABC):
    """A database on a server, and the programs that read and write dumps of it."""

    kind: str

    def __init__(self, url: str) -> None:
        self.parts = urlsplit(url)
        self.name = self.parts.path[1:]

    @property
    @abstractmethod
    def server(self) -> postgres.Postgres | mariadb.MariaDB: ...

    @abstractmethod
    def writing(self, *options: str) -> list[str | Path]:
        """The command that prints a dump."""

    @abstractmethod
    def reading(self) -> list[str | Path]:
        """The command that reads one."""

    @abstractmethod
    def environment(self) -> dict[str, str]:
        """What the commands need besides; a password is no argument of a process."""

    def run(self, command: Sequence[str | Path], *, given: bytes = b"") -> bytes:
        done = subprocess.run(
            command, env=os.environ | self.environment(), input=given, capture_output=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
        return done.stdout

    def _on(self, database: str) -> str:
        return urlunsplit(self.parts._replace(path=f"/{database}"))


class OnPostgresql(Place):
    kind = "postgresql"

    @property
    def server(self) -> postgres.Postgres:
        return postgres.Postgres(self._on("postgres"))

    def writing(self, *options: str) -> list[str | Path]:
        return [_tool("pg_dump"), "--no-owner", "--no-privileges", *options]

    def reading(self) -> list[str | Path]:
        return [_tool("psql"), "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--single-transaction"]

    def environment(self) -> dict[str, str]:
        return {
            "PGHOST": self.parts.hostname or "127.0.0.1",
            "PGPORT": str(self.parts.port or 5432),
            "PGUSER": unquote(self.parts.username or ""),
            "PGPASSWORD": unquote(self.parts.password or ""),
            "PGDATABASE": self.name,
        }


class OnMariadb(Place):
    kind = "mariadb"

    @property
    def server(self) -> mariadb.MariaDB:
        return mariadb.MariaDB(self._on(""))

    def writing(self, *options: str) -> list[str | Path]:
        return [*self._command("mariadb-dump"), "--hex-blob", "--skip-comments", *options, self.name]

    def reading(self) -> list[str | Path]:
        return [*self._command("mariadb"), self.name]

    def environment(self) -> dict[str, str]:
        return {"MYSQL_PWD": unquote(self.parts.password or "")}

    def _command(self, name: str) -> list[str | Path]:
        return [
            *(base.find(name, package="mariadb-client"), "--no-defaults", "--default-character-set=utf8mb4"),
            *(f"--host={self.parts.hostname or '127.0.0.1'}", f"--port={self.parts.port or 3306}"),
            f"--user={unquote(self.parts.username or 'root')}",
        ]


def place_of(url: str) -> Place:
    """The database of a URL as the engine takes it.

    Raises:
        KeyError: it is on no server.
    """
    return {"postgresql": OnPostgresql, "postgres": OnPostgresql, "mysql": OnMariadb}[urlsplit(url).scheme](url)


def _place(url: str) -> Place | None:
    return None if urlsplit(url).scheme == "sqlite" else place_of(url)


def _tool(name: str) -> Path:
    return base.find(name, package="postgresql-client", folders=postgres.BINARIES)


def _prototype(place: Place, alias: str) -> bytes:
    """Its dump; of two processes that need it first, one makes it and the other waits."""
    kept = _folder() / f"{place.kind}-{place.server.version()}"
    with kept.with_name(f"{kept.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.is_dir():
            _make(place, kept)
    return (kept / f"{alias}.sql").read_bytes()


def _make(beside: Place, kept: Path) -> None:
    """Migrate two databases of the same server, as a site does, and keep their dumps."""
    server = beside.server
    names = {alias: f"prototype_{alias}_{os.getpid()}" for alias in URLS}
    with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
        try:
            urls = {alias: server.database(name) for alias, name in names.items()}
            environ = {name: os.environ[name] for name in PASSED_ON if name in os.environ} | {
                "SITE_MANIFEST": str(MANIFEST),
                "DATA_DIR": scratch,
                "BASE_URL": "http://127.0.0.1:8000",
                "SECRET_KEY": "for-tests-only-" * 4,
                **{URLS[alias]: url for alias, url in urls.items()},
            }
            command = [sys.executable, "-m", "webstreet.engine", "manage", "shell", "--no-imports", "-c", MIGRATE]
            done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=400, check=False)
            assert done.returncode == 0, done.stderr
            draft = Path(scratch) / "dumps"
            draft.mkdir()
            for alias, url in urls.items():
                made = place_of(url)
                (draft / f"{alias}.sql").write_bytes(made.run(made.writing()))
            draft.rename(kept)
        finally:
            for name in names.values():
                server.drop(name)


@functools.cache
def _own_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="webstreet-prototypes-")


def _folder() -> Path:
    return Path(os.environ.get(VARIABLE) or _own_folder().name)
