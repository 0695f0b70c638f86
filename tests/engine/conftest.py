"""What the tests of engine and atoms share: databases migrated once and restored by copying, and a clean process.

A test says which databases it uses (``@pytest.mark.django_db(databases=["default", "newsletter"])``), so that a forgotten one fails.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from tests.conftest import needed
from tests.engine.databases import CHANGED, DATABASES, Databases, Kept, prepared
from tests.lab import prototypes, redis


@pytest.fixture(scope="session")
def _databases(
    request: pytest.FixtureRequest, django_test_environment: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[Databases]:
    from django.test import TransactionTestCase

    def leave(_test: TransactionTestCase) -> None:
        """Instead of emptying every table, which takes longer than most tests: all of them are restored before the next."""
        request.config.stash[CHANGED] = True

    with django_db_blocker.unblock():
        found = prepared()
    request.config.stash[DATABASES] = Kept(found, django_db_blocker)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", leave)
        yield found
    with django_db_blocker.unblock():
        found.remove()


@pytest.fixture(scope="session")
def django_db_setup(_databases: Databases) -> None:
    """Replaces pytest-django's: migrated once, by `prepare`'s own code, each alias with its own apps only."""


@pytest.fixture
def restored_databases(_databases: Databases) -> Callable[[], None]:
    """Call it to have every database as it was after migrating."""
    return _databases.restore


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test with real transactions leaves what it wrote; whichever test comes next needs every database as it was after migrating.

    Not a fixture: it must come before pytest-django's own, which opens the test's transaction.
    """
    kept = item.config.stash.get(DATABASES, None)
    if kept is not None and item.config.stash.get(CHANGED, False):
        with kept.blocker.unblock():
            kept.databases.restore()
        item.config.stash[CHANGED] = False


@pytest.fixture(autouse=True)
def _clean_process(settings) -> Iterator[None]:
    """Nothing that a process remembers goes from one test to the next."""
    from django.contrib.contenttypes.models import ContentType
    from django.core.cache import cache

    from webstreet.engine import limits
    from webstreet.engine.backends.breaker import breakers
    from webstreet.engine.pagecache import journal, memo

    def forget() -> None:
        cache.clear()
        memo.forget()
        limits.forget()
        journal.reader.forget()
        ContentType.objects.clear_cache()
        for alias in settings.DATABASES:
            breakers.close(alias)

    forget()
    yield
    forget()


PROBES = Path(__file__).parent / "probes"


class SiteProcesses:
    """A site of its own in a temporary folder, run as real processes of ``python -m webstreet.engine``.

    The module ``probes.probe_tasks`` (tests/engine/probes) is importable there.
    """

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        self.manifest = folder / "site.yaml"
        self.data = folder / "data"
        self.manifest.write_text((Path(__file__).parent / "site.yaml").read_text("utf-8"), "utf-8")
        kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG", "TMPDIR", "XDG_CACHE_HOME")}
        self.environ = kept | {
            "SITE_MANIFEST": str(self.manifest),
            "DATA_DIR": str(self.data),
            "BASE_URL": "http://127.0.0.1:8000",
            "PYTHONPATH": str(PROBES),
            "PROBE_FILE": str(folder / "probe.txt"),
            **variables,
        }
        self.started: list[subprocess.Popen[str]] = []

    def run(self, *arguments: str, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "webstreet.engine", *arguments]
        return subprocess.run(command, env=self.environ, capture_output=True, text=True, timeout=timeout, check=False)

    def documents(self, *arguments: str) -> list[dict]:
        """What a command printed for the control plane; it must have succeeded."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr + done.stdout
        return [json.loads(line) for line in done.stdout.splitlines()]

    def python(self, code: str) -> str:
        """Run code inside the site's Django; what it printed."""
        done = self.run("manage", "shell", "--no-imports", "-c", code)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def start(self, *arguments: str, pass_fds: tuple[int, ...] = ()) -> subprocess.Popen[str]:
        log = (self.folder / f"log-{len(self.started)}").open("w+")
        command = [sys.executable, "-m", "webstreet.engine", *arguments]
        process = subprocess.Popen(command, env=self.environ, stdout=log, stderr=log, text=True, pass_fds=pass_fds)
        self.started.append(process)
        return process

    def log(self) -> str:
        return "".join(path.read_text("utf-8") for path in sorted(self.folder.glob("log-*")))

    def probe(self) -> list[str]:
        path = Path(self.environ["PROBE_FILE"])
        return path.read_text("utf-8").split() if path.exists() else []

    def end(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait(10)


def until(true: Callable[[], object], *, seconds: float = 60, what: str = "") -> object:
    """Poll until ``true()`` is; fail after ``seconds``. A server that does not answer in time is one that is asked again."""
    end, last = time.monotonic() + seconds, None
    while time.monotonic() < end:
        try:
            if found := true():
                return found
        except TimeoutError as error:
            last = error
        time.sleep(0.02)
    raise AssertionError(f"did not happen within {seconds} s: {what}") from last


@pytest.fixture
def wait_until() -> Callable[..., object]:
    return until


def _sites_below(folder: Path) -> Iterator[Callable[..., SiteProcesses]]:
    made: list[SiteProcesses] = []

    def make(**variables: str) -> SiteProcesses:
        own = folder / f"site-{len(made)}"
        own.mkdir()
        made.append(SiteProcesses(own, **variables))
        return made[-1]

    yield make
    for site in made:
        site.end()


@pytest.fixture
def site_processes(tmp_path: Path) -> Iterator[Callable[..., SiteProcesses]]:
    """``site_processes(REDIS_URL=...)`` makes a site; its processes end with the test."""
    yield from _sites_below(tmp_path)


@pytest.fixture(scope="module")
def shared_sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., SiteProcesses]]:
    """The same for sites that the tests of a module share."""
    yield from _sites_below(tmp_path_factory.mktemp("sites"))


@pytest.fixture
def databases_on(request: pytest.FixtureRequest) -> Iterator[Callable[..., dict[str, str]]]:
    """``databases_on("mariadb")``: what puts a new site into databases of the lab's server, the newsletter into one of its own. They are
    migrated, unless they shall be ``empty``. ``databases_on("embedded")`` is nothing.
    """
    made: list[tuple[Any, str]] = []

    def variables(place: str, *, empty: bool = False) -> dict[str, str]:
        if place == "embedded":
            return {}
        server = request.getfixturevalue({"postgresql": "lab_postgres", "mariadb": "lab_mariadb"}[place])
        names = [f"processes_{os.getpid()}_{len(made)}_{part}" for part in ("site", "newsletter")]
        made.extend((server, name) for name in names)
        site, newsletter = (server.database(name) for name in names)
        if not empty:
            prototypes.filled(site, "default")
            prototypes.filled(newsletter, "newsletter")
        return {"DATABASE_URL": site, "NEWSLETTER_DATABASE_URL": newsletter, "SECRET_KEY": "for-tests-only-" * 4}

    yield variables
    for server, name in made:
        server.drop(name)


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A real Redis of its own."""
    binary = needed(redis.where)
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:

        def answers() -> bool:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return True
            return False

        until(answers, what="redis answers")
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(10)
