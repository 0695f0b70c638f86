"""The mailbox in a browser: new mails appear by themselves, nothing in a mail runs, and everybody can use the page."""

from __future__ import annotations

import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tests.stories.test_mailbox import letter, send
from webstreet.testing.mailbox import Mailbox

VIEWS = ("/", "/messages/1", "/messages/1?view=text", "/messages/1?view=headers", "/messages/1?view=source")


def test_a_new_mail_appears_without_a_reload_and_nothing_in_it_runs(browser: Browser) -> None:
    with Mailbox() as mailbox, browser.new_context() as context:
        page = context.new_page()
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(mailbox.url)
        assert page.get_by_text("No mail yet").is_visible()
        send(mailbox, letter("First"))
        page.get_by_text("First").wait_for()
        page.on("dialog", lambda dialog: pytest.fail("a script of the mail ran"))
        page.get_by_text("First").click()
        assert page.frame_locator("iframe").get_by_role("heading", name="Été").is_visible()
        assert all(url.startswith((mailbox.url, "data:")) for url in asked)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1440])
def test_everybody_can_use_it(browser: Browser, scheme: str, width: int) -> None:
    with Mailbox() as mailbox:
        send(mailbox, *(letter(f"Subject {n}", List_Unsubscribe="<https://example.org/u/1>") for n in range(3)))
        with browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True
        ) as context:
            page = context.new_page()
            for path in VIEWS:
                page.goto(mailbox.url + path)
                found = Axe().run(page)["violations"]
                # The mail itself is somebody else's document.
                ours = [v["id"] for v in found if any(len(node["target"]) == 1 for node in v["nodes"])]
                assert ours == [], path
                assert page.evaluate("document.documentElement.scrollWidth") <= width
