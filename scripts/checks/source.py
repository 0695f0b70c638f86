"""Format, lint, types, and who may import whom."""

from __future__ import annotations

import sys
from pathlib import Path

from scripts.checks.base import BIN, Outcome, passes


def formatting(folder: Path) -> Outcome:
    return passes(BIN / "ruff", "format", "--check", "--quiet", ".")


def lint(folder: Path) -> Outcome:
    return passes(BIN / "ruff", "check", "--quiet", ".")


def types(folder: Path) -> Outcome:
    return passes(sys.executable, "-m", "mypy")


def imports(folder: Path) -> Outcome:
    return passes(BIN / "lint-imports", "--no-cache")
