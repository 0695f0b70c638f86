"""The import contracts hold, and each of them really catches what it forbids: a planted violation makes lint-imports fail."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.meta.source import PACKAGE, ROOT, modules

LINT = Path(sys.executable).parent / "lint-imports"
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]

# Contract id -> (file that gets one line more, the line).
PLANTS = {
    "layers": ("contract/site.py", "import webstreet.control"),
    "programs": ("control/sites/models.py", "import webstreet.engine.hooks"),
    "programs-back": ("engine/settings.py", "import webstreet.control.settings"),
    "atoms": ("atoms/newsletter/receivers.py", "import webstreet.atoms.articles.models"),
    "engine-atoms": ("engine/urls.py", "import webstreet.atoms.articles.models"),
    "kernel-ours": ("kernel/ids.py", "import webstreet.testing"),
    "no-django": ("control/reconcile/plan.py", "import django"),
    "cli": ("cli/main.py", "import webstreet.control"),
    "products-know-no-tests": ("engine/settings.py", "import webstreet.testing.clock"),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the contracts on the copy of the package in ``folder``."""
    # The copy comes first on the path, before the package that is installed in place.
    environment = os.environ | {"PYTHONPATH": str(folder), "NO_COLOR": "1", "COLUMNS": "200"}
    return subprocess.run(
        [str(LINT), "--no-cache", "--config", "pyproject.toml"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    shutil.copytree(PACKAGE, folder / "webstreet", ignore=shutil.ignore_patterns("__pycache__", "static", "locale"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_the_package_keeps_every_contract(clean: Path) -> None:
    done = lint(clean)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Contracts: {len(SETTINGS['contracts'])} kept, 0 broken." in done.stdout


@pytest.mark.parametrize("contract", [c["id"] for c in SETTINGS["contracts"]])
def test_a_planted_violation_is_found(contract: str, clean: Path) -> None:
    assert contract in PLANTS, "a new contract needs a planted violation here"
    name, line = PLANTS[contract]
    file = clean / "webstreet" / name
    whole = file.read_text("utf-8")
    try:
        file.write_text(f"{whole}\n{line}\n", "utf-8")
        done = lint(clean)
    finally:
        file.write_text(whole, "utf-8")
    title = next(c["name"] for c in SETTINGS["contracts"] if c["id"] == contract)
    assert done.returncode == 1, done.stdout + done.stderr
    assert any(row.startswith(title[:80]) and "BROKEN" in row for row in done.stdout.splitlines()), done.stdout


NO_DJANGO = (
    "kernel/errors.py",
    "contract/base.py",
    "mail/__init__.py",
    "control/orchestrators/base.py",
    "control/reconcile/plan.py",
)


@pytest.mark.parametrize("name", NO_DJANGO)
def test_django_is_found_in_each_place_that_must_not_know_it(name: str, clean: Path) -> None:
    file = clean / "webstreet" / name
    whole = file.read_text("utf-8")
    try:
        file.write_text(f"{whole}\nimport django.db\n", "utf-8")
        assert lint(clean).returncode == 1
    finally:
        file.write_text(whole, "utf-8")


def foreign_imports(path: Path, tree: ast.Module) -> list[str]:
    """What a module imports that is neither the standard library's nor the kernel's."""
    found = []
    for node in ast.walk(tree):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            if name.split(".")[0] not in sys.stdlib_module_names and not name.startswith("webstreet.kernel"):
                found.append(f"{path.relative_to(ROOT)}: {name}")
    return found


def test_the_kernel_needs_the_standard_library_only() -> None:
    found = [line for path, tree in modules(PACKAGE / "kernel") for line in foreign_imports(path, tree)]
    assert found == []


def test_the_kernel_is_a_closed_list() -> None:
    """A new module of the kernel needs a decision record."""
    assert {path.stem for path in (PACKAGE / "kernel").glob("*.py")} == {
        "__init__",
        "clock",
        "errors",
        "ids",
        "process",
        "secret",
        "spreadsheet",
    }


def test_the_supervisor_needs_the_standard_library_only() -> None:
    """One runs beside every site: its memory counts."""
    path = PACKAGE / "control/orchestrators/processes/supervisor.py"
    found = [
        line
        for line in foreign_imports(path, ast.parse(path.read_text("utf-8")))
        if not line.split(": ")[1].startswith("webstreet.control.orchestrators.processes")
    ]
    assert found == []
