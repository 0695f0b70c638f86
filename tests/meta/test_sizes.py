"""Files and functions stay short: past the limit there is usually a noun missing. An exception is listed with its reason."""

from __future__ import annotations

import ast
import warnings

from tests.meta.source import PACKAGE, ROOT, functions, modules

FILE_LINES, FUNCTION_LINES = 500, 50
NEAR = 0.85
DJANGO_FOLDERS = {"management", "commands", "templatetags"}
FOLDERS = (PACKAGE, ROOT / "tests", ROOT / "scripts", ROOT / "benchmarks")
# path or path::function -> why it may be longer.
ALLOWED: dict[str, str] = {
    "tests/atoms/theme/conftest.py::publication": "a table of content, one article of every kind",
}


def sizes() -> dict[str, tuple[int, int]]:
    """Path, or path::function -> its lines and its limit."""
    found = {}
    for path, tree in modules(*FOLDERS):
        shown = str(path.relative_to(ROOT))
        found[shown] = (len(path.read_text("utf-8").splitlines()), FILE_LINES)
        for name, _line, length in functions(tree):
            found[f"{shown}::{name}"] = (length, FUNCTION_LINES)
    return found


def test_nothing_is_too_long() -> None:
    too_long = {k: n for k, (n, limit) in sizes().items() if n > limit and k not in ALLOWED}
    near = sorted(f"{k} ({n} of {limit})" for k, (n, limit) in sizes().items() if limit * NEAR < n <= limit)
    if near:
        warnings.warn(f"getting long: {', '.join(near)}", stacklevel=1)
    assert too_long == {}


def test_no_exception_is_listed_in_vain() -> None:
    found = sizes()
    assert [key for key in ALLOWED if key not in found or found[key][0] <= found[key][1]] == []


def test_every_package_says_what_it_owns() -> None:
    """Django's own folders (management, commands, templatetags, migrations) are found by their names and own nothing."""
    silent = [
        str(path.relative_to(ROOT))
        for path, tree in modules(PACKAGE)
        if path.name == "__init__.py" and not ast.get_docstring(tree) and path.parent.name not in DJANGO_FOLDERS
    ]
    assert silent == []


def test_no_drawer_is_called_by_what_it_is_not() -> None:
    names = {"services.py", "utils.py", "helpers.py", "managers.py"}
    assert [str(p) for p in PACKAGE.rglob("*.py") if p.name in names] == []
