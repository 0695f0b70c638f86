"""A migration killed at any statement, on a server that cannot roll definitions back, ends as if nothing had happened."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import pytest
from django.db import connection, migrations, models
from django.db.migrations import Migration
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState

from webstreet.engine import resuming

pytestmark = [
    pytest.mark.only_on("mariadb", reason="rolls the definitions of a killed migration back by itself"),
    pytest.mark.django_db(transaction=True),
]
APP = "reef"
TABLES = ("reef_dweller", "reef_burrow", "reef_shell", "reef_den")


class Killed(BaseException):
    """As little caught as the real thing."""


def furnish(apps: Any, schema_editor: Any) -> None:
    shells = apps.get_model(APP, "Shell").objects
    for name in ("conch", "whelk"):
        shells.create(name=name, size=shells.count())


def measure(apps: Any, schema_editor: Any) -> None:
    apps.get_model(APP, "Shell").objects.update(width=models.F("width") + 1)


def migration() -> Migration:
    """Every kind of statement: tables, columns, keys, names, rows, and what is deferred to the end."""
    made = Migration("0001_initial", APP)
    identity = ("id", models.BigAutoField(primary_key=True))
    made.operations = [
        migrations.CreateModel("Den", [identity, ("name", models.CharField(max_length=50, unique=True))]),
        migrations.CreateModel(
            "Shell",
            [
                identity,
                ("name", models.CharField(max_length=50, db_index=True)),
                ("size", models.PositiveIntegerField()),
                ("den", models.ForeignKey(f"{APP}.Den", models.CASCADE, null=True)),
            ],
        ),
        migrations.AlterUniqueTogether("shell", {("name", "size")}),
        migrations.RunPython(furnish, migrations.RunPython.noop),
        migrations.AddField("shell", "colour", models.CharField(max_length=9, default="white")),
        migrations.AddField(
            "shell", "home", models.ForeignKey(f"{APP}.Den", models.SET_NULL, null=True, related_name="+")
        ),
        migrations.RenameField("shell", "size", "width"),
        migrations.RunPython(measure, migrations.RunPython.noop),
        migrations.AlterField("shell", "colour", models.CharField(max_length=20, null=True)),
        migrations.AlterUniqueTogether("shell", {("name", "colour")}),
        migrations.AddIndex("shell", models.Index(fields=["width", "name"], name="reef_width")),
        migrations.AddConstraint("shell", models.UniqueConstraint(fields=["width", "colour"], name="reef_once")),
        migrations.RemoveField("shell", "den"),
        migrations.RenameModel("Den", "Burrow"),
        migrations.RenameIndex("shell", new_name="reef_wide", old_name="reef_width"),
        migrations.CreateModel("Dweller", [identity, ("burrow", models.ForeignKey(f"{APP}.Burrow", models.CASCADE))]),
    ]
    return made


def apply(kill_at: int = 0, *, after: bool = False) -> int:
    """Apply the migration as ``prepare`` does; how many statements that write there were.

    Args:
        kill_at: the number of the statement at which the process "dies"; 0: never.
        after: the server did it, and the process did not hear of it.
    """
    count = 0

    def server(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal count
        if sql.lstrip().startswith(("SELECT", "SHOW")):
            return execute(sql, params, many, context)
        count += 1
        if count == kill_at and not after:
            raise Killed
        result = execute(sql, params, many, context)
        if count == kill_at:
            raise Killed
        return result

    executor = an_executor()
    executor.notes.open()
    with connection.execute_wrapper(server):
        executor.apply_migration(ProjectState(), migration())
    executor.notes.close()
    return count


@functools.cache
def an_executor() -> resuming.ResumingExecutor:
    """Nothing of a migration is kept in it; making one reads every migration there is."""
    return resuming.executor("default")


def forget() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET foreign_key_checks=0")
        for table in (*TABLES, resuming.TABLE):
            cursor.execute(f"DROP TABLE IF EXISTS {table}")
        cursor.execute("SET foreign_key_checks=1")
    MigrationRecorder(connection).migration_qs.filter(app=APP).delete()


def found() -> list[object]:
    """The tables as they are: columns, keys, rows."""
    seen: list[object] = [str(row) for row in MigrationRecorder(connection).migration_qs.filter(app=APP)]
    with connection.cursor() as cursor:
        tables = [
            name for name in connection.introspection.table_names(cursor) if name.startswith((APP, resuming.TABLE))
        ]
        for table in tables:
            cursor.execute(f"SHOW CREATE TABLE {table}")
            # By line: what was made in another order is the same table.
            seen.append((table, sorted(line.strip().rstrip(",") for line in cursor.fetchone()[1].splitlines()[1:-1])))
            cursor.execute(f"SELECT * FROM {table} ORDER BY 1")  # noqa: S608
            # Not their ids: what was rolled back has used some up, on every database.
            seen.append([row[1:] for row in cursor.fetchall()])
    return seen


@pytest.fixture(autouse=True)
def _no_reef():
    forget()
    yield
    forget()


def test_killed_at_any_statement_it_is_finished_by_the_next() -> None:
    statements = apply()
    undisturbed = found()
    assert statements > 30
    assert [entry[0] for entry in undisturbed if isinstance(entry, tuple) and isinstance(entry[0], str)] == [
        "reef_burrow",
        "reef_dweller",
        "reef_shell",
    ]
    for number in range(1, statements + 1):
        forget()
        with pytest.raises(Killed):
            apply(number, after=number > 1)
        connection.close()
        if MigrationRecorder(connection).migration_qs.filter(app=APP).exists():
            an_executor().notes.open()
            an_executor().notes.close()
        else:
            apply()
        assert found() == undisturbed, f"killed after statement {number}"


def test_killed_again_and_again_it_gets_there() -> None:
    apply()
    undisturbed = found()
    forget()
    kills = 0
    for number in itertools.cycle((3, 5, 2, 9)):
        try:
            apply(number)
            break
        except Killed:
            kills += 1
            connection.close()
    assert kills > 3
    assert found() == undisturbed


def test_what_was_not_interrupted_is_not_forgiven() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE reef_den (id integer)")
    with pytest.raises(Exception, match="already exists"):
        apply()
