"""The path of a reader by a real browser, once on each kind of database server: a site opened with two databases of its own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.patience import MAILED_WITHIN_S, STARTED_WITHIN_S
from tests.browser.test_path import READER, World, eventually, sign_up

TITLE = "Le poulpe été"
SITE = "acme/served"


@dataclass(frozen=True)
class Served:
    """A running site on a database server; ``address`` ends with a slash."""

    world: World
    address: str
    kind: str


@pytest.fixture(params=["postgresql", "mariadb"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    server: Any = request.getfixturevalue({"postgresql": "lab_postgres", "mariadb": "lab_mariadb"}[request.param])
    databases = {store: f"browser_{store}_{os.getpid()}" for store in ("default", "newsletter")}
    (tmp_path / "world").mkdir()
    world = World(tmp_path / "world", keep_mails=False)
    try:
        options = []
        for store, name in databases.items():
            file = tmp_path / f"{store}.url"
            file.write_text(server.database(name))
            file.chmod(0o600)
            options += ["--database-url-file", f"{store}={file}"]
        world.start_mailbox()
        world.start_control(0)
        world.await_control()
        world.cli("client", "add", "acme", "--title", "Acme")
        world.cli("site", "open", SITE, "--template", "publication", "--title", "Acme Notes",
                  "--residency", "newsletter=client", "--email-url", world.mailbox.smtp_url, *options)  # fmt: skip

        def running() -> dict[str, Any] | None:
            seen = world.cli("site", "status", SITE)
            return seen if seen["state"] == "running" else None

        seen = eventually(running, within_s=STARTED_WITHIN_S, what="The site's start")
        world.remember(seen)
        yield Served(world, str(seen["address"]).rstrip("/") + "/", request.param)
    finally:
        world.stop()
        for name in databases.values():
            server.drop(name)
    world.check_nothing_left()


@pytest.mark.requirement("P5")
def test_from_the_sign_up_to_the_mail(served: Served, browser_context: BrowserContext) -> None:
    world, site = served.world, served.address
    reader = browser_context.new_page()
    facts = reader.request.get(f"{site}-/facts").json()
    assert facts["databases"] == {"default": served.kind, "newsletter": served.kind}
    sign_up(reader, site, READER)
    asked = world.mailbox.wait_for(lambda m: m.to == READER, timeout_s=MAILED_WITHIN_S)
    link = re.search(re.escape(site) + r"\S+confirm\S+", asked.text)
    assert link, asked.text
    reader.goto(link.group())
    reader.locator("main").get_by_role("button").first.click()
    world.mailbox.wait_for(lambda m: m.to == READER, timeout_s=MAILED_WITHIN_S, after=asked.number)

    editor = browser_context.new_page()
    editor.goto(world.cli("site", "login", SITE, "--next", "/admin/")["url"])
    editor.get_by_role("button").first.click()
    expect(editor).to_have_url(re.compile(r"/admin/$"))
    home = editor.request.get(f"{site}admin/api/main/pages/?type=articles.ArticleIndex").json()["items"][0]["id"]
    editor.goto(f"{site}admin/pages/add/articles/article/{home}/")
    editor.wait_for_load_state("networkidle")
    editor.locator("#id_title").fill(TITLE)
    editor.locator("#id_title").blur()
    expect(editor.locator("#id_slug")).to_have_value("le-poulpe-ete")
    editor.locator(".footer__container [data-w-dropdown-target='toggle']").first.click()
    editor.get_by_role("button", name="Publish").click()
    expect(editor.locator(".messages")).to_contain_text("published")

    mail = world.mailbox.wait_for(lambda m: m.to == READER and TITLE in m.subject, timeout_s=MAILED_WITHIN_S)
    assert mail.unsubscribe_url.startswith(site)
    reader.goto(f"{site}search/?q=ETE")
    reader.get_by_role("link", name=TITLE).first.click()
    expect(reader.locator("h1")).to_have_text(TITLE)
