"""The tutorial "Host a site", followed to the letter; what it asks to be done by hand is done by a real browser."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import BrowserContext, expect

from tests.browser import autosave
from tests.browser.patience import MAILED_WITHIN_S
from tests.meta.source import ROOT
from tests.stories.tutorial import Reader, free_port

PAGE = ROOT / "docs" / "tutorials" / "host-a-site.md"
TITLE = "A first tide"


class Hands:
    """What the reader of the tutorial does outside the terminal."""

    def __init__(self, context: BrowserContext, mailbox: str) -> None:
        self.context = context
        self.mailbox = mailbox
        self.reader: Reader

    def mails(self, to: str) -> list[dict[str, Any]]:
        found = httpx.get(f"{self.mailbox}/messages.json", timeout=60, trust_env=False).json()["items"]
        return [mail for mail in found if to in json.dumps(mail)]

    def await_mail(self, to: str, said: str) -> dict[str, Any]:
        until = time.monotonic() + MAILED_WITHIN_S
        while time.monotonic() < until:
            for mail in self.mails(to):
                if said in json.dumps(mail, ensure_ascii=False):
                    return mail
            time.sleep(0.1)
        raise AssertionError(f"no mail to {to} says {said}: {self.mails(to)}")

    def site(self) -> str:
        status = json.loads(self.reader.says("webstreet site status acme/blog --json"))
        return str(status["address"]).rstrip("/")

    def sign_up_and_confirm(self) -> None:
        page = self.context.new_page()
        page.goto(f"{self.site()}/")
        page.get_by_label("Your e-mail address").first.fill("you@example.com")
        page.get_by_role("button", name="Sign up").first.click()
        link = re.search(r"http\S+confirm/[\w-]+/?", json.dumps(self.await_mail("you@example.com", "confirm/")))
        assert link
        page.goto(link[0])
        page.locator("main").get_by_role("button").first.click()
        self.await_mail("you@example.com", '"one_click": true')

    def write_and_publish(self) -> None:
        site = self.site()
        autosave.watch(self.context)
        page = self.context.new_page()
        said = self.reader.says("webstreet site login acme/blog --json")
        page.goto(json.loads(said)["url"])
        page.get_by_role("button").first.click()
        expect(page).to_have_url(re.compile(r"/admin/"))
        found = page.request.get(f"{site}/admin/api/main/pages/?type=articles.ArticleIndex").json()["items"]
        page.goto(f"{site}/admin/pages/add/articles/article/{found[0]['id']}/")
        autosave.await_editor(page)
        page.locator("#id_title").fill(TITLE)
        page.locator("#id_title").blur()
        autosave.await_draft(page)
        page.locator("[data-streamfield-stream-container] button").first.click()
        page.get_by_role("option", name="Text").click()
        text = page.locator("[data-streamfield-child] .public-DraftEditor-content")
        text.click()
        text.press_sequentially("The sea came up to the door.")
        # The editor hands over what was typed a moment later.
        expect(page.locator("[name='body-0-value']")).to_have_value(re.compile("up to the door"))
        autosave.await_draft(page)
        page.locator(".footer__container [data-w-dropdown-target='toggle']").first.click()
        page.get_by_role("button", name="Publish").click()
        expect(page.locator(".messages")).to_contain_text("published")
        for address in ("you@example.com", "ann@example.com", "ben@example.com"):
            self.await_mail(address, TITLE)
        assert not self.mails("carla@example.com")


def test_a_site_is_hosted_as_the_tutorial_says(browser_context: BrowserContext, tmp_path: Path) -> None:
    smtp, http = free_port(), free_port()
    hands = Hands(browser_context, f"http://localhost:{http}")
    by_hand = {
        "sign up and confirm": hands.sign_up_and_confirm,
        "write and publish an article": hands.write_and_publish,
    }
    instead = {"1025": str(smtp), "8025": str(http), "webstreet control run": "webstreet control run --port 0"}
    with Reader(tmp_path, by_hand, instead) as hands.reader:
        assert hands.reader.follow(PAGE) > 20
