"""What compares the databases' runs finds a test that ran on one only."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.counts import OWN_SERVERS, VARIABLE, Record, database, differences

ROOT = Path(__file__).resolve().parents[2]
SUITE = """
import os
import pytest

@pytest.mark.only_on("sqlite", reason="is about SQLite")
def test_explained():
    pass

def test_everywhere():
    pass

if "DATABASE_URL" not in os.environ:
    def test_forgotten():
        pass
"""
SITES = """
import pytest

@pytest.fixture
def site_processes():
    pass

def test_of_a_site(site_processes):
    pass
"""


def test_the_same_everywhere_is_no_difference() -> None:
    same = {name: Record({"a", "b"}) for name in ("SQLite", "PostgreSQL", "MariaDB")}
    assert differences(same) == ([], {"SQLite": {}, "PostgreSQL": {}, "MariaDB": {}})


def test_a_test_that_ran_on_one_only_is_named() -> None:
    unexplained, _ = differences(
        {"SQLite": Record({"a", "b"}), "PostgreSQL": Record({"a", "b"}), "MariaDB": Record({"a"})}
    )
    assert unexplained == ["b ran on SQLite, PostgreSQL, not on MariaDB"]


def test_a_reason_explains_it_and_is_counted() -> None:
    unexplained, explained = differences(
        {"SQLite": Record({"a", "b"}), "MariaDB": Record({"a"}, {"b": "is about SQLite"})}
    )
    assert unexplained == []
    assert explained == {"SQLite": {}, "MariaDB": {"is about SQLite": 1}}


def test_a_reason_on_one_does_not_excuse_another() -> None:
    left = {"b": "is about SQLite"}
    unexplained, _ = differences({"SQLite": Record({"b"}), "MariaDB": Record(set(), left), "PostgreSQL": Record(set())})
    assert unexplained == ["b ran on SQLite, not on PostgreSQL"]


@pytest.mark.parametrize(
    ("url", "name"),
    [("", "sqlite"), ("sqlite:////x", "sqlite"), ("postgres://h/x", "postgresql"), ("mysql://h/x", "mariadb")],
)  # fmt: skip
def test_a_database_is_known_by_its_url(monkeypatch: pytest.MonkeyPatch, url: str, name: str) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    assert database() == name


def run(folder: Path, suite: str, url: str = "") -> subprocess.CompletedProcess[str]:
    """A suite of one file, run as `scripts/test` runs the engine's."""
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = only_on\n", "utf-8")
    (folder / "test_it.py").write_text(suite, "utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DATABASE_", "PYTEST_"))}
    environ = kept | {VARIABLE: str(folder / "record.json")} | ({"DATABASE_URL": url} if url else {})
    command = [sys.executable, "-m", "pytest", "-p", "no:django", "-p", "no:cacheprovider", "-p", "tests.lab.counts"]
    command += ["-c", str(folder / "pytest.ini"), str(folder)]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_of_two_runs_only_what_nobody_explained_is_named(tmp_path: Path) -> None:
    records = {}
    for name, url in (("SQLite", ""), ("MariaDB", "mysql://nobody@127.0.0.1:1/none")):
        folder = tmp_path / name
        folder.mkdir()
        done = run(folder, SUITE, url)
        assert done.returncode == 0, done.stdout + done.stderr
        records[name] = Record.read(folder / "record.json")
    unexplained, explained = differences(records)
    assert unexplained == ["test_it.py::test_forgotten ran on SQLite, not on MariaDB"]
    assert explained == {"SQLite": {}, "MariaDB": {"is about SQLite": 1}}


def test_who_starts_sites_as_processes_says_why_once_is_enough(tmp_path: Path) -> None:
    done = run(tmp_path, SITES)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "say in tests/lab/counts.py why its tests run once" in done.stderr


def test_only_files_that_are_there_are_excused() -> None:
    for file, reason in OWN_SERVERS.items():
        assert {name for name in ("site_processes", "shared_sites") if name in (ROOT / file).read_text("utf-8")}, file
        assert reason
