"""Fixtures for every suite: the lab's real servers. Where one is missing the test is skipped with the reason; with CI=true it fails."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest

from tests.lab import base, dovecot, mariadb, postgres, redis

Found = TypeVar("Found")


def needed(find: Callable[[], Found]) -> Found:
    """What ``find`` finds of the lab. Ask for it before a test does anything, so that no half of it counts as a skip."""
    try:
        return find()
    except base.Missing as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"the lab is not complete: {error}")
        pytest.skip(str(error))


def server(module: Any) -> Iterator[Any]:
    """The body of a fixture that gives a running server of the lab."""
    with contextlib.ExitStack() as stack:
        yield needed(lambda: stack.enter_context(module.running()))


@pytest.fixture(scope="session")
def lab_postgres() -> Iterator[postgres.Postgres]:
    """A running PostgreSQL; ``lab_postgres.database("name")`` gives the URL of an empty database."""
    yield from server(postgres)


@pytest.fixture(scope="session")
def lab_mariadb() -> Iterator[mariadb.MariaDB]:
    """A running MariaDB; ``lab_mariadb.database("name")`` gives the URL of an empty database."""
    yield from server(mariadb)


@pytest.fixture(scope="session")
def lab_redis() -> Iterator[redis.Redis]:
    """A running Redis."""
    yield from server(redis)


@pytest.fixture(scope="session")
def lab_dovecot() -> Iterator[dovecot.Dovecot]:
    """A running IMAP server; ``lab_dovecot.put("user", [b"..."])`` delivers mail."""
    yield from server(dovecot)
