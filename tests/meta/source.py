"""Reads the source without importing it: error codes, commands, sizes."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src/webstreet"
CODE = re.compile(r"[a-z][a-z0-9_]*(-[a-z0-9_]+)*\.[a-z][a-z0-9_]*\Z")


def tracked(pattern: str) -> list[Path]:
    """Files under version control that match a git pathspec."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "--", pattern], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def modules(*folders: Path) -> Iterator[tuple[Path, ast.Module]]:
    """Every Python file below ``folders`` except migrations, with its tree."""
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            if "migrations" not in path.parts:
                yield path, ast.parse(path.read_text("utf-8"), str(path))


def error_codes() -> dict[str, str]:
    """Every error code in the source -> where it is first written.

    Found as ``code = "noun.fact"`` in a class and as ``code="noun.fact"`` in a call. A code made at run time (``f"{what}.name_invalid"``)
    is found by its pattern in `made_codes`.
    """
    found: dict[str, str] = {}
    for path, tree in modules(PACKAGE):
        for node in ast.walk(tree):
            for value in _code_values(node):
                if isinstance(value, ast.Constant) and isinstance(value.value, str) and CODE.match(value.value):
                    found.setdefault(value.value, f"{path.relative_to(ROOT)}:{value.lineno}")
    return found


def made_codes() -> dict[str, str]:
    """Error codes made at run time, as a pattern with ``*`` for the part not known -> where."""
    found: dict[str, str] = {}
    for path, tree in modules(PACKAGE):
        for node in ast.walk(tree):
            for value in _code_values(node):
                if isinstance(value, ast.JoinedStr):
                    text = "".join(str(p.value) if isinstance(p, ast.Constant) else "*" for p in value.values)
                    if "." in text:
                        found.setdefault(text, f"{path.relative_to(ROOT)}:{value.lineno}")
    return found


def _code_values(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.ClassDef):
        for line in node.body:
            if isinstance(line, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "code" for t in line.targets):
                yield line.value
            if (
                isinstance(line, ast.AnnAssign)
                and isinstance(line.target, ast.Name)
                and line.target.id == "code"
                and line.value
            ):
                yield line.value
    if isinstance(node, ast.Call):
        yield from (keyword.value for keyword in node.keywords if keyword.arg == "code")


def written_codes() -> set[str]:
    """Every string in the source that has the form of an error code; more than there are codes."""
    return {
        node.value
        for _path, tree in modules(PACKAGE)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.match(node.value)
    }


def functions(tree: ast.Module) -> Iterator[tuple[str, int, int]]:
    """Name, line and length of every function, without its docstring and its signature (a command's is a table of options)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            code = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
            first = code[0].lineno
            yield node.name, node.lineno, (node.end_lineno or first) - first + 1


def requirement_markers(folder: Path) -> dict[str, list[str]]:
    """Requirement id -> names of the tests (``path::test``) marked with it, also by a class or a module's ``pytestmark``."""
    found: dict[str, list[str]] = {}
    for path, tree in modules(folder):
        shown = str(path.relative_to(ROOT))
        for node in ast.walk(tree):
            owners = getattr(node, "decorator_list", [])
            if isinstance(node, ast.Assign) and any(
                isinstance(t, ast.Name) and t.id == "pytestmark" for t in node.targets
            ):
                owners = [node.value]
            for owner in owners:
                for ident in _marked(owner):
                    found.setdefault(ident, []).append(f"{shown}::{getattr(node, 'name', '(all)')}")
    return found


def _marked(expression: ast.expr) -> Iterator[str]:
    for node in ast.walk(expression):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "requirement":
            for argument in node.args:
                if isinstance(argument, ast.Constant):
                    yield str(argument.value)
