"""A pytest plugin: which tests ran on this database, and why others did not. `scripts/test` compares the databases by it.

A test that makes sense on some databases only says so with ``@pytest.mark.only_on("sqlite", reason="...")``. Tests that start sites as
processes choose those sites' servers themselves, and run once: `OWN_SERVERS` says of each file why that is enough. Whatever else runs on
one database and not on another is a difference that nobody explained.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

VARIABLE = "WEBSTREET_TEST_RECORD"
"""The path to write to; tests left out go to the same path with ``.left``."""
MAKE_SITES = {"site_processes", "shared_sites"}
"""Fixtures by which tests start sites as processes."""
OWN_SERVERS = {
    "tests/atoms/newsletter/test_kills.py": "starts workers on each database itself",
    "tests/atoms/newsletter/test_real_workers.py": "starts workers on each database itself",
    "tests/atoms/newsletter/test_residency.py": "puts a site and its newsletter on pairs of databases itself",
    "tests/atoms/newsletter/test_worker.py": "starts workers on SQLite, and on PostgreSQL with Redis, itself",
    "tests/engine/exports/test_harm.py": "is about what is refused of an archive; test_round_trip.py reads one into each database",
    "tests/engine/exports/test_round_trip.py": "reads an archive into each database itself",
    "tests/engine/imports/test_crispy_octo.py": "is about what the command prints; what it writes is tested beside it on each database",
    "tests/engine/imports/test_killed.py": "kills imports into each database itself",
    "tests/engine/pagecache/test_processes.py": "puts sites on each database itself",
    "tests/engine/test_headers.py": "is about headers, which no database has a part in",
    "tests/engine/test_login_factors.py": "is about what the command prints; what it changes is tested beside it on each database",
    "tests/engine/test_logs.py": "is about what processes write into their logs",
    "tests/engine/test_prepare.py": "is about SQLite's files and their prototypes; test_servers.py prepares each database",
    "tests/engine/test_servers.py": "prepares, backs up and restores each database itself",
    "tests/engine/test_serving.py": "starts sites on each database itself, or is about sockets and signals",
    "tests/engine/test_settings.py": "ends before a database is asked, or asks none",
    "tests/engine/test_workers.py": "starts workers on both task backends itself",
}
"""Why the tests of a file that start sites as processes run once."""


@dataclass
class Record:
    """One run of the suite: the tests that ran, and the reason of each that is not meant for this database."""

    ran: set[str] = field(default_factory=set)
    left: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Record:
        left = path.with_suffix(".left")
        return cls(
            set(json.loads(path.read_text("utf-8"))) if path.exists() else set(),
            json.loads(left.read_text("utf-8")) if left.exists() else {},
        )


def differences(records: Mapping[str, Record]) -> tuple[list[str], dict[str, dict[str, int]]]:
    """Compare runs on several databases.

    Returns:
        A sentence for each test that ran on one database and, without a reason, not on another; and for each database how many
        tests were left out for which reason.
    """
    everything = set().union(*(record.ran for record in records.values()))
    unexplained, explained = [], {}
    for name, record in records.items():
        reasons: dict[str, int] = {}
        for test in sorted(everything - record.ran):
            if reason := record.left.get(test):
                reasons[reason] = reasons.get(reason, 0) + 1
            else:
                where = ", ".join(other for other, known in records.items() if test in known.ran)
                unexplained.append(f"{test} ran on {where}, not on {name}")
        explained[name] = reasons
    return unexplained, explained


def database() -> str:
    """What the site under test keeps its data in: sqlite, postgresql or mariadb."""
    scheme = os.environ.get("DATABASE_URL", "").partition(":")[0]
    return {"": "sqlite", "postgres": "postgresql", "mysql": "mariadb"}.get(scheme, scheme)


def reason_to_leave_out(item: pytest.Item, here: str) -> str:
    """Why a test is not for the database ``here``; empty when it is.

    Raises:
        pytest.UsageError: it starts sites as processes, and nobody said why once is enough.
    """
    mark = item.get_closest_marker("only_on")
    if mark is not None and here not in mark.args:
        return str(mark.kwargs["reason"])
    if MAKE_SITES.isdisjoint(getattr(item, "fixturenames", ())):
        return ""
    file = item.nodeid.partition("::")[0]
    if file not in OWN_SERVERS:
        raise pytest.UsageError(f"{file} starts sites as processes: say in tests/lab/counts.py why its tests run once")
    return OWN_SERVERS[file] if here != "sqlite" else ""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = database()
    left = {item.nodeid: reason for item in items if (reason := reason_to_leave_out(item, here))}
    if not left:
        return
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid in left])
    items[:] = [item for item in items if item.nodeid not in left]
    if path := os.environ.get(VARIABLE):
        # In a parallel run each process collects the same.
        draft = Path(f"{path}.{os.getpid()}")
        draft.write_text(json.dumps(left), "utf-8")
        draft.replace(Path(path).with_suffix(".left"))


class _Ran:
    def __init__(self) -> None:
        self.tests: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and not report.skipped:
            self.tests.add(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        Path(os.environ[VARIABLE]).write_text(json.dumps(sorted(self.tests)), "utf-8")


def pytest_configure(config: pytest.Config) -> None:
    # In a parallel run the process in front hears of every test.
    if os.environ.get(VARIABLE) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Ran())
