"""What the tests of engine and atoms share: databases migrated once and restored by copying, and a clean process.

A test says which databases it uses (``@pytest.mark.django_db(databases=["default", "newsletter"])``), so that a forgotten one fails.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


class _SqliteFiles:
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


class _PostgresqlDatabases:
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


@pytest.fixture(scope="session")
def _databases(django_test_environment: None, django_db_blocker) -> Iterator[_SqliteFiles | _PostgresqlDatabases]:
    from django.conf import settings
    from django.db import connections

    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    with django_db_blocker.unblock():
        if connections["default"].vendor == "sqlite":
            found = _SqliteFiles(Path(settings.WEBSTREET_ENVIRONMENT.data_dir) / f"databases-{worker}")
        else:
            found = _PostgresqlDatabases(worker)
    yield found
    with django_db_blocker.unblock():
        found.remove()


@pytest.fixture(scope="session")
def django_db_setup(_databases: _SqliteFiles | _PostgresqlDatabases) -> None:
    """Replaces pytest-django's: migrated once, by `prepare`'s own code, each alias with its own apps only."""


@pytest.fixture
def restored_databases(_databases: _SqliteFiles | _PostgresqlDatabases) -> Callable[[], None]:
    """Call it to have every database as it was after migrating."""
    return _databases.restore


@pytest.fixture(autouse=True)
def _restored_before_transactions(request: pytest.FixtureRequest) -> None:
    """A test with real transactions ends by emptying every table; the next one needs Wagtail's root page again."""
    mark = request.node.get_closest_marker("django_db")
    if mark is not None and mark.kwargs.get("transaction"):
        restore = request.getfixturevalue("restored_databases")
        with request.getfixturevalue("django_db_blocker").unblock():
            restore()


@pytest.fixture(autouse=True)
def _clean_process(settings) -> Iterator[None]:
    """Nothing that a process remembers goes from one test to the next."""
    from django.contrib.contenttypes.models import ContentType
    from django.core.cache import cache

    from webstreet.engine.backends.breaker import breakers

    def forget() -> None:
        cache.clear()
        ContentType.objects.clear_cache()
        for alias in settings.DATABASES:
            breakers.close(alias)

    forget()
    yield
    forget()
