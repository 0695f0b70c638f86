"""What compares the databases' runs finds a test that ran on one only."""

from __future__ import annotations

import pytest

from tests.lab.counts import Record, database, differences


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
