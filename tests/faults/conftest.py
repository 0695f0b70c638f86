"""What the tests of faults share: a site prepared once, servers that may be stopped, a mail server."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import needed
from tests.faults.servers import Server, own
from tests.faults.site import Site
from tests.lab import mariadb, postgres, prototypes, redis
from webstreet.testing.smtp import RecordingSmtpServer


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a site with everything embedded, prepared."""
    site = Site(tmp_path_factory.mktemp("prepared"))
    site.prepare()
    return site.data


@pytest.fixture
def smtp() -> Iterator[RecordingSmtpServer]:
    with RecordingSmtpServer() as server:
        yield server


@pytest.fixture
def site_of(tmp_path: Path, prepared: Path) -> Iterator[Callable[..., Site]]:
    """``site_of(EMAIL_URL=...)``: a site with everything embedded but what is named. Its processes end with the test.

    A database that is named is empty, and its server is there.
    """
    with contextlib.ExitStack() as stack:

        def make(folder: Path | None = None, **variables: str) -> Site:
            site = Site(folder or tmp_path / "site", **variables)
            stack.callback(site.end)
            site.prepare(like=prepared)
            for alias, variable in prototypes.URLS.items():
                if variable in variables:
                    prototypes.filled(variables[variable], alias)
            if any(name.endswith(("DATABASE_URL", "REDIS_URL")) for name in variables):
                site.prepare()
            return site

        yield make


@pytest.fixture
def own_postgres() -> Iterator[Server]:
    needed(postgres.where)
    with own(postgres) as server:
        yield server


@pytest.fixture(params=["postgresql", "mariadb"])
def own_database(request: pytest.FixtureRequest) -> Iterator[Server]:
    module = {"postgresql": postgres, "mariadb": mariadb}[request.param]
    needed(module.where)
    with own(module) as server:
        yield server


@pytest.fixture
def own_redis() -> Iterator[Server]:
    needed(redis.where)
    with own(redis) as server:
        yield server
