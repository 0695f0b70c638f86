"""The lab's own promise: a real server answers, and when it is stopped nothing of it is left."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis as redis_client

from tests.lab import base, mariadb, postgres, redis


@contextlib.contextmanager
def own(module: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A server started for this test even if one is given by URL."""
    monkeypatch.delenv(module.URL_VARIABLE, raising=False)
    try:
        module.where()
    except base.Missing as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))
    with module.running() as server:
        yield server


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("module", [postgres, mariadb, redis], ids=["postgres", "mariadb", "redis"])
def test_nothing_is_left_behind(module: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.setattr(base.tempfile, "tempdir", "/tmp")
    before = set(Path("/tmp").glob(f"webstreet-lab-{module.__name__.rsplit('.', 1)[-1]}-*"))
    with own(module, monkeypatch) as server:
        assert server.pid is not None
        assert not gone(server.pid)
        made = set(Path("/tmp").glob(f"webstreet-lab-{module.__name__.rsplit('.', 1)[-1]}-*")) - before
        if os.geteuid() == 0:
            assert Path(f"/proc/{server.pid}").stat().st_uid != 0
    assert gone(server.pid)
    assert made
    assert not any(path.exists() for path in made)


def test_postgres_is_stopped_when_the_test_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    with pytest.raises(ZeroDivisionError), own(postgres, monkeypatch) as server:  # noqa: PT012
        seen.append(server.pid)
        1 / 0  # noqa: B018
    assert gone(seen[0])


def test_each_database_is_empty_and_its_own(lab_postgres: postgres.Postgres) -> None:
    name = f"lab_check_{os.getpid()}"
    try:
        for _ in range(2):
            with psycopg.connect(lab_postgres.database(name), autocommit=True) as connection:
                connection.execute("CREATE TABLE things (name text)")
                connection.execute("INSERT INTO things VALUES ('été')")
                assert connection.execute("SELECT name FROM things").fetchall() == [("été",)]
    finally:
        lab_postgres.drop(name)


def test_each_mariadb_database_is_empty_and_its_own(lab_mariadb: mariadb.MariaDB) -> None:
    name = f"lab_check_{os.getpid()}"
    try:
        for _ in range(2):
            lab_mariadb.database(name)
            with lab_mariadb.connection(name) as cursor:
                cursor.execute("CREATE TABLE things (name varchar(9))")
                cursor.execute("INSERT INTO things VALUES ('été')")
                cursor.execute("SELECT name FROM things")
                assert cursor.fetchall() == (("été",),)
    finally:
        lab_mariadb.drop(name)


def test_redis_answers_and_shows_what_it_holds(lab_redis: redis.Redis) -> None:
    key = f"lab-check-{os.getpid()}"
    with redis_client.Redis.from_url(lab_redis.url) as connection:
        connection.set(key, "a-word-to-find", ex=60)
        assert b"a-word-to-find" in lab_redis.dump()
        connection.delete(key)


def test_a_missing_server_says_what_to_type() -> None:
    with pytest.raises(base.Missing, match="make lab"):
        base.find("no-such-server", package="nothing")
