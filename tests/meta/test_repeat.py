"""A test that fails once in a whole suite is repeated alone; one that fails twice stays failed."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.lab import repeat

SUITE = """
import pathlib
import pytest

FOLDER = pathlib.Path(__file__).parent

@pytest.mark.parametrize("word", ["two words", "a - b"])
def test_once(word):
    mark = FOLDER / word
    failed_before = mark.exists()
    mark.touch()
    assert failed_before

def test_steady():
    pass

def test_always():
    assert False
"""


def run(folder: Path, cache: Path, *tests: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:django", "-p", "no:randomly", *tests]
    subprocess.run(
        [*command, "-o", f"cache_dir={cache}", "--rootdir", str(folder)],
        cwd=folder,
        check=False,
        timeout=120,
        stdout=subprocess.DEVNULL,
    )


def test_what_failed_once_is_told_from_what_fails_twice(tmp_path: Path) -> None:
    cache, file = tmp_path / "cache", tmp_path / "test_some.py"
    file.write_text(SUITE, "utf-8")
    run(tmp_path, cache, file.name)
    failed = repeat.worth_repeating(cache)
    assert failed == [f"test_some.py::test_{name}" for name in ("always", "once[a - b]", "once[two words]")]
    run(tmp_path, cache, *failed)
    assert repeat.steady_again(cache, failed) == failed[1:]


def test_many_failures_are_no_accident(tmp_path: Path) -> None:
    cases = "import pytest\n@pytest.mark.parametrize('n', range({}))\ndef test_of(n):\n    assert False\n"
    for number, repeated in ((repeat.MOST, repeat.MOST), (repeat.MOST + 1, 0)):
        cache, file = tmp_path / f"cache-{number}", tmp_path / f"test_{number}.py"
        file.write_text(cases.format(number), "utf-8")
        run(tmp_path, cache, file.name)
        assert len(repeat.worth_repeating(cache)) == repeated


@pytest.mark.parametrize(
    ("second", "sum_of_both"),
    [
        ({"passed": 2}, {"passed": 12, "skipped": 3}),
        ({"passed": 1, "failed": 1}, {"passed": 11, "skipped": 3, "failed": 1}),
        ({"error": 2}, {"passed": 10, "skipped": 3, "error": 2}),
    ],
)
def test_failures_of_the_second_run_are_those_that_count(second: dict[str, int], sum_of_both: dict[str, int]) -> None:
    assert repeat.added(Counter(passed=10, skipped=3, failed=2), Counter(second)) == Counter(sum_of_both)
