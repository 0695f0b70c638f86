"""The databases of one test process: migrated once, restored by copying."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import sqlite3
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from pytest_django import DjangoDbBlocker

from tests.lab import prototypes


class SqliteFiles:
    """Every alias in a folder of this test process; what was there after migrating is kept beside it."""

    def __init__(self, folder: Path) -> None:
        from django.db import connections

        from webstreet.engine.preparation import migrate_all

        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        for alias in connections:
            connections[alias].close()
            connections[alias].settings_dict["NAME"] = str(folder / f"{alias}.sqlite3")
        migrate_all(lambda step, done, total: None)
        for alias in connections:
            connections[alias].close()
            with contextlib.closing(sqlite3.connect(self._file(alias))) as database:
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            shutil.copyfile(self._file(alias), self._kept(alias))

    def _file(self, alias: str) -> Path:
        return self.folder / f"{alias}.sqlite3"

    def _kept(self, alias: str) -> Path:
        return self.folder / f"{alias}.kept"

    def restore(self) -> None:
        from django.db import connections

        for alias in connections:
            with (
                contextlib.closing(sqlite3.connect(self._kept(alias))) as kept,
                contextlib.closing(sqlite3.connect(self._file(alias), timeout=10)) as live,
            ):
                kept.backup(live)

    def remove(self) -> None:
        from django.db import connections

        for alias in connections:
            connections[alias].close()


def copied(alias: str, name: str) -> None:
    """What migrating would make, for the new database ``name`` of an alias."""
    prototypes.filled(urlunsplit(urlsplit(os.environ[prototypes.URLS[alias]])._replace(path=f"/{name}")), alias)


class PostgresqlDatabases:
    """Every alias in a database of this test process, made from a template database that was migrated once."""

    def __init__(self, suffix: str) -> None:
        from django.db import connections

        from webstreet.engine.preparation import migrate_all

        self.names: dict[str, str] = {}
        for alias in connections:
            connection = connections[alias]
            connection.close()
            self.names[alias] = f"test_{connection.settings_dict['NAME']}_{alias}_{suffix}"
            self._run(alias, f'DROP DATABASE IF EXISTS "{self.names[alias]}"', f'CREATE DATABASE "{self.names[alias]}"')
            connection.settings_dict["NAME"] = self.names[alias]
            copied(alias, self.names[alias])
        migrate_all(lambda step, done, total: None)
        for alias, name in self.names.items():
            connections[alias].close()
            self._run(
                alias, f'DROP DATABASE IF EXISTS "{name}_kept"', f'CREATE DATABASE "{name}_kept" TEMPLATE "{name}"'
            )

    def _run(self, alias: str, *statements: str) -> None:
        import psycopg
        from django.db import connections

        given = connections[alias].settings_dict
        parts = {"host": given["HOST"], "port": given["PORT"], "user": given["USER"], "password": given["PASSWORD"]}
        with psycopg.connect(dbname="postgres", autocommit=True, **{k: v for k, v in parts.items() if v}) as server:
            for statement in statements:
                server.execute(statement)

    def restore(self) -> None:
        from django.db import connections

        for alias, name in self.names.items():
            connections[alias].close()
            self._run(alias, f'DROP DATABASE "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}" TEMPLATE "{name}_kept"')

    def remove(self) -> None:
        from django.db import connections

        for alias, name in self.names.items():
            connections[alias].close()
            self._run(alias, *(f'DROP DATABASE IF EXISTS "{n}" WITH (FORCE)' for n in (name, f"{name}_kept")))


class MariadbDatabases:
    """Every alias in a database of this test process, whose rows after migrating are kept as a dump.

    MariaDB has no template databases; making the tables again would take seconds, filling them takes a moment.
    """

    def __init__(self, suffix: str) -> None:
        from django.db import connections

        from webstreet.engine.preparation import migrate_all

        self.names: dict[str, str] = {}
        self.rows: dict[str, bytes] = {}
        for alias in connections:
            connection = connections[alias]
            connection.close()
            name = self.names[alias] = f"test_{connection.settings_dict['NAME']}_{alias}_{suffix}"
            self._client(alias, f"DROP DATABASE IF EXISTS `{name}`; CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
            connection.settings_dict["NAME"] = name
            copied(alias, name)
        migrate_all(lambda step, done, total: None)
        for alias, name in self.names.items():
            connections[alias].close()
            self.rows[alias] = self._run(
                alias, "mariadb-dump", "--no-create-info", "--hex-blob", "--skip-triggers", name
            )

    def _run(self, alias: str, program: str, *arguments: str, given: bytes = b"") -> bytes:
        from django.db import connections

        server = connections[alias].settings_dict
        place = [f"--host={server['HOST']}", f"--port={server['PORT'] or 3306}", f"--user={server['USER']}"]
        done = subprocess.run(
            [program, "--no-defaults", *place, "--default-character-set=utf8mb4", *arguments],
            input=given,
            env=os.environ | {"MYSQL_PWD": server["PASSWORD"]},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def _client(self, alias: str, statements: str, rows: bytes = b"") -> bytes:
        return self._run(alias, "mariadb", "--skip-column-names", given=statements.encode() + b";\n" + rows)

    def _end_connections(self, alias: str) -> None:
        """A thread of the last test may still be in a transaction; touching its tables would wait for it for ever."""
        asked = f"SELECT id FROM information_schema.processlist WHERE db = '{self.names[alias]}'"  # noqa: S608
        for number in self._client(alias, asked).split():
            with contextlib.suppress(AssertionError):
                self._client(alias, f"KILL {int(number)}")

    def restore(self) -> None:
        from django.db import connections

        for alias, name in self.names.items():
            connections[alias].close()
            self._end_connections(alias)
            tables = self._client(alias, f"SHOW TABLES FROM `{name}`").decode().split()
            emptied = ";".join(f"DELETE FROM `{table}`" for table in tables)  # noqa: S608
            self._client(alias, f"USE `{name}`; SET foreign_key_checks=0; {emptied}", self.rows[alias])

    def remove(self) -> None:
        from django.db import connections

        for alias, name in self.names.items():
            connections[alias].close()
            self._end_connections(alias)
            self._client(alias, f"DROP DATABASE IF EXISTS `{name}`")


Databases = SqliteFiles | PostgresqlDatabases | MariadbDatabases


@functools.cache
def prepared() -> Databases:
    """The databases of this process, whichever suite asks first: tests/engine and tests/atoms have a fixture each."""
    from django.conf import settings
    from django.db import connections

    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    if connections["default"].vendor == "sqlite":
        return SqliteFiles(Path(settings.WEBSTREET_ENVIRONMENT.data_dir) / f"databases-{worker}")
    return (PostgresqlDatabases if connections["default"].vendor == "postgresql" else MariadbDatabases)(worker)


@dataclass(frozen=True)
class Kept:
    """The databases of this process, and who lets us at them outside a test."""

    databases: Databases
    blocker: DjangoDbBlocker


DATABASES = pytest.StashKey[Kept]()
CHANGED = pytest.StashKey[bool]()
"""Whether a test with real transactions has run since the databases were as after migrating."""
