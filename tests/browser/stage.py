"""One installation for all tests that look at screens: the control plane, a mailbox, a site with rich content, and one without any."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.patience import STARTED_WITHIN_S, STEP_MS
from tests.browser.screens import watched

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from demoing.world import World, eventually  # noqa: E402 the demo's own world, which lies beside the package

SITE, BARE = "acme/blog", "acme/bare"
TITLE = "Paper and Tide"
CONTENT = Path(__file__).parent / "content.py"


@dataclass
class Stage:
    """What runs.

    Attributes:
        site: the address of the site with content, English and French, without a slash at its end.
        bare: the address of a site as it is opened: no article, one language.
        content: addresses of the content by name, see `content`.
        begin: the console's first page as it was before there was anything, by language.
    """

    world: World
    browser: Browser
    site: str = ""
    bare: str = ""
    content: dict[str, str] = field(default_factory=dict)
    begin: dict[str, str] = field(default_factory=dict)

    @property
    def console(self) -> str:
        """The console's address, without a slash at its end."""
        return f"{self.world.control_url}/console"

    def open(self, site: str, *arguments: str) -> str:
        """Open a site and wait until it runs; its address."""
        self.world.cli(
            "site", "open", site, "--template", "publication", "--email-url", self.world.mailbox.smtp_url, *arguments
        )

        def running() -> dict[str, Any] | None:
            seen = self.world.cli("site", "status", site)
            return seen if seen["state"] == "running" else None

        seen = eventually(running, within_s=STARTED_WITHIN_S, what=f"The start of {site}")
        self.world.remember(seen)
        return str(seen["address"]).rstrip("/")

    def python(self, code: str, site: str = SITE) -> str:
        """Run code inside a site's Django, as a process of its own; what it printed."""
        return self._python("engine", self._wanted(site)["environment"], code)

    def control_python(self, code: str) -> str:
        """The same, inside the control plane's Django."""
        return self._python("control", {"WEBSTREET_STATE": str(self.world.state)}, code)

    def _python(self, program: str, environment: dict[str, str], code: str) -> str:
        inherited = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH")}
        command = [sys.executable, "-m", f"webstreet.{program}", "manage", "shell", "--no-imports", "-c", code]
        variables = inherited | environment
        done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def _wanted(self, site: str) -> dict[str, Any]:
        for path in sorted(self.world.state.rglob("wanted.json")):
            wanted: dict[str, Any] = json.loads(path.read_text("utf-8"))
            if wanted.get("site") == site:
                return wanted
        raise AssertionError(f"{site} is not wanted anywhere below {self.world.state}")

    @contextmanager
    def reader(self, locale: str = "en-GB") -> Iterator[Page]:
        """A page of a fresh profile."""
        with self._context(locale) as context:
            yield watched(context.new_page())

    @contextmanager
    def editor(self, locale: str = "en-GB", site: str = SITE, email: str = "") -> Iterator[Page]:
        """A page whose profile is logged in to a site's admin; ``email`` for another editor than the first."""
        extra = ("--email", email, "--create") if email else ()
        with self._context(locale) as context:
            yield self._log_in(
                context, self.world.cli("site", "login", site, "--next", "/admin/", *extra)["url"], "/admin/"
            )

    @contextmanager
    def operator(self, locale: str = "en-GB") -> Iterator[Page]:
        """A page whose profile is logged in to the console."""
        with self._context(locale) as context:
            yield self._log_in(context, self.world.cli("login")["url"], "/console/")

    @contextmanager
    def _context(self, locale: str) -> Iterator[BrowserContext]:
        context = self.browser.new_context(
            viewport={"width": 1440, "height": 900}, locale=locale, reduced_motion="reduce"
        )
        context.set_default_timeout(STEP_MS)
        try:
            yield context
        finally:
            context.close()

    def _log_in(self, context: BrowserContext, link: str, arrives_at: str) -> Page:
        page = watched(context.new_page())
        page.goto(link)
        page.get_by_role("button").first.click()
        page.wait_for_url(f"**{arrives_at}**")
        return page


@contextmanager
def playing(state: Path, browser: Browser) -> Iterator[Stage]:
    """Everything started, and nothing left behind afterwards."""
    stage = Stage(World(state, keep_mails=False), browser)
    world = stage.world
    try:
        world.start_mailbox()
        world.start_control(0)
        world.await_control()
        with stage.operator() as page:
            for language in ("en", "fr"):
                answer = page.request.get(f"{stage.console}/", headers={"Accept-Language": language})
                stage.begin[language] = answer.text()
        world.cli("client", "add", "acme", "--title", "Acme")
        stage.site = stage.open(SITE, "--title", TITLE, "--language", "en", "--language", "fr")
        stage.bare = stage.open(BARE, "--title", "Nothing yet")
        stage.content = json.loads(stage.python(CONTENT.read_text("utf-8")).splitlines()[-1])
        yield stage
    finally:
        world.stop()
    world.check_nothing_left()
