"""The system's Chromium, driven by Playwright. Nothing is downloaded."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.lab import base

PACKAGE = "chromium"


@contextlib.contextmanager
def running() -> Iterator[Browser]:
    """A browser without a window and with a profile of its own.

    Raises:
        base.Missing: Chromium is not installed.
    """
    # Chromium's sandbox refuses root, and needs user namespaces that containers often forbid.
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(where()), args=[*sandbox, "--disable-dev-shm-usage", "--disable-background-networking"]
        )
        try:
            yield browser
        finally:
            browser.close()


def version() -> str:
    """As in "139.0.7258.127"."""
    text = subprocess.run([where(), "--version"], capture_output=True, text=True, timeout=60, check=True).stdout
    return next((word for word in text.split() if word[0].isdigit()), text.strip())


def where() -> Path:
    try:
        return base.find("chromium", package=PACKAGE)
    except base.Missing:
        return base.find("chromium-browser", package=PACKAGE)
