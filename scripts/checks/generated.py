"""What is made from code and committed must be what the code makes now; and the docs must build without a warning."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from scripts.checks.base import ROOT, Outcome, command, of, passes
from scripts.checks.programs import engine_environment


def release(folder: Path) -> Outcome:
    """catalogue/release.json is how control knows the atoms: it must say what the atoms' manifests say."""
    code, text = command(sys.executable, "-m", "webstreet.engine", "manifest", extra=engine_environment(folder))
    if code:
        return Outcome("failed", text)
    made = text[text.index("{") :]
    kept = (ROOT / "src/webstreet/catalogue/release.json").read_text("utf-8")
    if json.loads(made) == json.loads(kept):
        return Outcome("ok")
    return of(
        [
            "catalogue/release.json is stale: .venv/bin/python -m webstreet.engine manifest > src/webstreet/catalogue/release.json"
        ]
    )


def reference(folder: Path) -> Outcome:
    return passes(sys.executable, ROOT / "scripts/docs", "--check")


def docs(folder: Path) -> Outcome:
    return passes(sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder / "docs")
