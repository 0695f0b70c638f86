"""Known vulnerabilities of the packages in requirements.lock."""

from __future__ import annotations

from pathlib import Path

from scripts.checks.base import BIN, ROOT, Outcome, command

UNREACHABLE = (
    "Dependency not found on",
    "ConnectionError",
    "Max retries",
    "ServiceError",
    "Could not connect",
    "503",
    "Name or service",
)


def dependencies(folder: Path) -> Outcome:
    """``--strict`` because without it pip-audit calls packages it could not look up clean."""
    code, text = command(
        *(BIN / "pip-audit", "--strict", "--require-hashes", "--disable-pip", "--progress-spinner", "off"),
        *("--timeout", "20", "--requirement", ROOT / "requirements.lock"),
    )
    if code == 0:
        return Outcome("ok")
    if any(word in text for word in UNREACHABLE) and "vulnerabilit" not in text:
        return Outcome("skipped", f"no advisory database answers here: {text.strip().splitlines()[-1][:160]}")
    return Outcome("failed", text)
