"""The checks of ``make check``, by name. Each takes an empty folder for its own use and returns an `Outcome`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from scripts.checks import audit, generated, programs, source, translations, words
from scripts.checks.base import Outcome

__all__ = ["CHECKS", "Outcome"]

CHECKS: dict[str, Callable[[Path], Outcome]] = {
    "types": source.types,
    "format": source.formatting,
    "lint": source.lint,
    "imports": source.imports,
    "control": programs.control,
    "engine": programs.engine,
    "migrations": programs.migrations,
    "release": generated.release,
    "reference": generated.reference,
    "translations": translations.complete,
    "docs": generated.docs,
    "audit": audit.dependencies,
    "words": words.forbidden,
}
