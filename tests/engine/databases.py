"""The databases of one test process: migrated once, restored by copying."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker


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


@functools.cache
def prepared() -> SqliteFiles | PostgresqlDatabases:
    """The databases of this process, whichever suite asks first: tests/engine and tests/atoms have a fixture each."""
    from django.conf import settings
    from django.db import connections

    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    if connections["default"].vendor == "sqlite":
        return SqliteFiles(Path(settings.WEBSTREET_ENVIRONMENT.data_dir) / f"databases-{worker}")
    return PostgresqlDatabases(worker)


EMPTYING = {"transactional_db", "live_server"}
"""Fixtures of pytest-django that give a test real transactions."""


@dataclass(frozen=True)
class Kept:
    """The databases of this process, and who lets us at them outside a test."""

    databases: SqliteFiles | PostgresqlDatabases
    blocker: DjangoDbBlocker


DATABASES = pytest.StashKey[Kept]()
EMPTIED = pytest.StashKey[bool]()
