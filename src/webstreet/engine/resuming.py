"""Migrations where a definition cannot be rolled back (MariaDB, MySQL): what a killed ``prepare`` left half done, the next finishes.

Each statement is whole or absent there, but a migration is many statements. So how far a migration got is noted in a table of the
same database. Whoever finds a note replays the migration: what is noted as done is only pretended, because later statements
depend on it; in the operation that was under way, a statement that finds its work done is content; the rest is done as ever.
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Callable
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration, RunPython, SeparateDatabaseAndState
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation

logger = logging.getLogger(__name__)
TABLE = "webstreet_migrating"


class Replay(enum.Enum):
    """What a schema editor makes of a statement."""

    DO = enum.auto()
    TOLERATE = enum.auto()
    """Do it, unless it is done."""
    PRETEND = enum.auto()


def executor(alias: str) -> MigrationExecutor:
    """Django's own where a killed migration leaves nothing; else one that finishes what it finds."""
    connection = connections[alias]
    return MigrationExecutor(connection) if connection.features.can_rollback_ddl else ResumingExecutor(connection)


class ResumingExecutor(MigrationExecutor):
    """Notes how far each migration is."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        super().__init__(connection)
        self.notes = _Notes(connection)

    def migrate(self, *args: Any, **kwargs: Any) -> Any:
        self.notes.open()
        state = super().migrate(*args, **kwargs)
        self.notes.close()
        return state

    def apply_migration(self, state: Any, migration: Migration, fake: bool = False, fake_initial: bool = False) -> Any:
        key = (migration.app_label, migration.name)
        done = self.notes.read(key)
        if done is None:
            self.notes.write(key, 0)
        else:
            logger.warning("migration.resumed", extra={"migration": ".".join(key), "operation": done})
        operations = migration.operations
        migration.operations = [
            _Step(operation, number, done, lambda after: self.notes.write(key, after))
            for number, operation in enumerate(operations)
        ]
        try:
            state = super().apply_migration(state, migration, fake, fake_initial)
        finally:
            migration.operations = operations
        return state

    def record_migration(self, migration: Migration) -> None:
        """In one piece: a squashed migration is recorded as many, and some of them without the others would be done again."""
        with transaction.atomic(using=self.connection.alias):
            super().record_migration(migration)
            self.notes.forget((migration.app_label, migration.name))


class _Step:
    """An operation with its number, which runs as far as it has not run yet."""

    def __init__(self, operation: Operation, number: int, done: int | None, note: Callable[[int], None]) -> None:
        self._operation, self._number, self._done, self._note = operation, number, done, note

    def __getattr__(self, name: str) -> Any:
        return getattr(self._operation, name)

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if self._done is None or self._number > self._done:
            self._operation.database_forwards(app_label, schema_editor, from_state, to_state)
            self._note(self._number + 1)
        elif self._number == self._done:
            schema_editor.replay = Replay.TOLERATE
            self._operation.database_forwards(app_label, schema_editor, from_state, to_state)
            self._note(self._number + 1)
        else:
            schema_editor.replay = Replay.PRETEND
            for operation in _definitions(self._operation):
                operation.database_forwards(app_label, schema_editor, from_state, to_state)
        # What an operation defers to the end of the migration may have run already.
        schema_editor.replay = Replay.DO if self._done is None else Replay.TOLERATE


def _definitions(operation: Operation) -> list[Operation]:
    """Without what writes rows, which was committed together with its note."""
    if isinstance(operation, RunPython):
        return []
    if isinstance(operation, SeparateDatabaseAndState) and any(
        isinstance(inner, RunPython) for inner in operation.database_operations
    ):
        rest = [inner for inner in operation.database_operations if not isinstance(inner, RunPython)]
        return [SeparateDatabaseAndState(rest, operation.state_operations)]
    return [operation]


class _Notes:
    """The table: one row for each migration under way, with how many of its operations are done. It exists only meanwhile."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection

    def open(self) -> None:
        self._execute(
            f"CREATE TABLE IF NOT EXISTS {TABLE} (app varchar(100), name varchar(100), operations integer,"
            " PRIMARY KEY (app, name)) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
        )

    def read(self, key: tuple[str, str]) -> int | None:
        """How many operations of an interrupted migration are done; None: it was never begun."""
        with self._connection.cursor() as cursor:
            cursor.execute(f"SELECT operations FROM {TABLE} WHERE app = %s AND name = %s", key)  # noqa: S608 a name of ours
            row = cursor.fetchone()
        return None if row is None else int(row[0])

    def write(self, key: tuple[str, str], operations: int) -> None:
        self._execute(f"REPLACE INTO {TABLE} VALUES (%s, %s, %s)", *key, operations)  # noqa: S608

    def forget(self, key: tuple[str, str]) -> None:
        self._execute(f"DELETE FROM {TABLE} WHERE app = %s AND name = %s", *key)  # noqa: S608

    def close(self) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(f"SELECT COUNT(*) FROM {TABLE}")  # noqa: S608
            (left,) = cursor.fetchone()
        # Another alias may share the database, and have been interrupted.
        if not left:
            self._execute(f"DROP TABLE {TABLE}")

    def _execute(self, statement: str, *values: object) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values)
