"""Promises about the files of the repository that no other test sees."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.meta.source import ROOT, tracked

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked() -> dict[str, str]:
    """Package -> version of requirements.lock."""
    lines = (ROOT / "requirements.lock").read_text("utf-8").splitlines()
    found = [re.match(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", line) for line in lines]
    return {plain(m[1]): m[2] for m in found if m}


def test_every_locked_package_has_a_hash() -> None:
    blocks = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text("utf-8"))
    assert [b.split("==")[0] for b in blocks if re.match(r"[a-z0-9]", b) and "--hash=sha256:" not in b] == []


def test_the_lock_names_no_registry() -> None:
    text = (ROOT / "requirements.lock").read_text("utf-8")
    assert re.findall(r"https?://|--(?:extra-)?index|--find-links", text) == []


def test_every_direct_dependency_is_locked_and_has_its_reason() -> None:
    wanted = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]
    names = [re.match(r"[A-Za-z0-9._-]+", line)[0] for line in wanted]  # type: ignore[index]
    reasons = (ROOT / "docs/decisions/0002-dependencies.md").read_text("utf-8").lower()
    assert [n for n in names if plain(n) not in locked()] == []
    assert [n for n in names if f"`{n.lower()}`" not in reasons] == []


def test_compiled_translations_and_no_state_are_committed() -> None:
    names = [str(path.relative_to(ROOT)) for path in tracked("*")]
    assert [n for n in names if re.search(r"\.(sqlite3|pyc|log)$|(^|/)(\.venv|__pycache__|node_modules)/", n)] == []
    assert [n for n in names if n.endswith(".po") and f"{n[:-3]}.mo" not in names] == []


@pytest.mark.parametrize(
    "name",
    ["scripts/bootstrap", "scripts/check", "scripts/demo", "scripts/docs", "scripts/lab", "scripts/test", ".ci/run"],
)
def test_scripts_can_be_run(name: str) -> None:
    assert os.access(ROOT / name, os.X_OK)
    assert (ROOT / name).read_text("utf-8").startswith("#!/usr/bin/env ")


def test_make_alone_lists_what_it_can_do() -> None:
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30)
    assert {"demo", "test", "check", "lab", "docs"} <= set(re.findall(r"make (\w+)", done.stdout))


def test_the_same_python_is_promised_everywhere() -> None:
    assert PROJECT["requires-python"] == ">=3.11"
    assert "3.11" in (ROOT / "README.md").read_text("utf-8")


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")
@pytest.mark.parametrize("name", ["scripts/bootstrap", ".ci/run"])
def test_shell_scripts_are_well_formed(name: str) -> None:
    assert subprocess.run(["bash", "-n", name], cwd=ROOT, capture_output=True, timeout=30).returncode == 0


def test_the_licence_is_whole() -> None:
    assert "Apache License" in Path(ROOT / "LICENSE").read_text("utf-8")
    assert PROJECT["license"] == "Apache-2.0"
