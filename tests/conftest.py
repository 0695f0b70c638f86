"""Fixtures for every suite: the lab's real servers. Where one is missing the test is skipped with the reason; with CI=true it fails."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab import base, postgres, redis


def server(module: Any) -> Iterator[Any]:
    """The body of a fixture that gives a running server of the lab."""
    with contextlib.ExitStack() as stack:
        try:
            found = stack.enter_context(module.running())
        except base.Missing as error:
            if os.environ.get("CI") == "true":
                pytest.fail(f"a server of the lab is missing: {error}")
            pytest.skip(str(error))
        yield found


@pytest.fixture(scope="session")
def lab_postgres() -> Iterator[postgres.Postgres]:
    """A running PostgreSQL; ``lab_postgres.database("name")`` gives the URL of an empty database."""
    yield from server(postgres)


@pytest.fixture(scope="session")
def lab_redis() -> Iterator[redis.Redis]:
    """A running Redis."""
    yield from server(redis)
