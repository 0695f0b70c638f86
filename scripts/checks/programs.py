"""Django's own checks of both programs, models that have no migration, and migrations that would break a running site."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from scripts.checks.base import ROOT, Outcome, passes

LINT = ROOT / "scripts/checks/lint_migrations.py"


def control(folder: Path) -> Outcome:
    return _checked("webstreet.control", control_environment(folder))


def engine(folder: Path) -> Outcome:
    return _checked("webstreet.engine", engine_environment(folder))


def migrations(folder: Path) -> Outcome:
    """Read every migration's SQL for what is not expand-only: dropped columns, renames, columns without a default."""
    for program, variables in (
        ("webstreet.control", control_environment(folder)),
        ("webstreet.engine", engine_environment(folder)),
    ):
        found = passes(sys.executable, LINT, program, extra=variables)
        if found.state == "failed":
            return found
    return Outcome("ok")


def control_environment(folder: Path) -> dict[str, str]:
    state = folder / "state"
    state.mkdir(mode=0o700, exist_ok=True)
    return {"WEBSTREET_STATE": str(state), "DJANGO_SETTINGS_MODULE": "webstreet.control.settings"}


def engine_environment(folder: Path) -> dict[str, str]:
    """A site with every atom of the release, everything embedded in ``folder``."""
    release = json.loads((ROOT / "src/webstreet/catalogue/release.json").read_text("utf-8"))
    manifest = {
        "client": "acme",
        "site": "check",
        "title": "Check",
        "template": "publication",
        "languages": ["en", "fr"],
        "domains": ["check.example"],
        "atoms": {atom["name"]: {} for atom in release["atoms"]},
    }
    # JSON is YAML.
    (folder / "site.yaml").write_text(json.dumps(manifest), "utf-8")
    (folder / "data").mkdir(exist_ok=True)
    return {
        "SITE_MANIFEST": str(folder / "site.yaml"),
        "DATA_DIR": str(folder / "data"),
        "DJANGO_SETTINGS_MODULE": "webstreet.engine.settings",
    }


def _checked(program: str, variables: dict[str, str]) -> Outcome:
    for words in (["check", "--fail-level", "WARNING"], ["makemigrations", "--check", "--dry-run"]):
        found = passes(sys.executable, "-m", program, "manage", *words, extra=variables)
        if found.state == "failed":
            return found
    return Outcome("ok")
