"""The whole path by a real browser, against the control plane, a real site and real SMTP: from the sign-up to the mail and out again."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import autosave
from tests.browser.patience import MAILED_WITHIN_S, STARTED_WITHIN_S
from webstreet.testing.mailbox import Mail

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from demoing.world import World, eventually  # noqa: E402 the demo's own world, which lies beside the package

SITE = "acme/blog"
READER = "browser.reader@example.com"
TITLE = "The octopus that kept a garden"
WORDS = "She planted shells."
DELIVERED_WITHIN_MS = MAILED_WITHIN_S * 1000


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("world"), keep_mails=False)
    try:
        world.start_mailbox()
        world.start_control(0)
        world.await_control()
        world.cli("client", "add", "acme", "--title", "Acme")
        world.cli("site", "open", SITE, "--template", "publication", "--title", "Acme Notes",
                  "--email-url", world.mailbox.smtp_url)  # fmt: skip
        yield world
    finally:
        world.stop()
    world.check_nothing_left()


@pytest.fixture(scope="module")
def site(world: World) -> str:
    """The site's address, with a slash at its end."""

    def running() -> dict[str, Any] | None:
        seen = world.cli("site", "status", SITE)
        return seen if seen["state"] == "running" else None

    seen = eventually(running, within_s=STARTED_WITHIN_S, what="The site's start")
    world.remember(seen)
    return str(seen["address"]).rstrip("/") + "/"


@pytest.fixture(scope="module")
def editor(browser: Browser, world: World, site: str) -> Iterator[Page]:
    """An editor, logged in by a one-time link as a person would be: the link shows a button, the button logs in."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, locale="en-GB")
    autosave.watch(context)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(f"{page.url}: {said.text}") if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    page.goto(world.cli("site", "login", SITE, "--next", "/admin/")["url"])
    page.get_by_role("button").first.click()
    expect(page).to_have_url(re.compile(r"/admin/$"))
    yield page
    context.close()
    assert not complaints, f"the admin's pages complain: {complaints}"


@pytest.fixture
def reader(browser_context: BrowserContext) -> Page:
    return browser_context.new_page()


def sign_up(reader: Page, site: str, address: str) -> None:
    reader.goto(site)
    form = reader.locator("form").filter(has=reader.locator("input[type=email]")).first
    form.locator("input[type=email]").fill(address)
    form.get_by_role("button", name="Sign up").click()
    expect(reader.locator("h1")).to_be_visible()


@pytest.fixture(scope="module")
def asked(browser: Browser, world: World, site: str) -> Iterator[Mail]:
    """What came after a reader had asked for the newsletter."""
    reader = browser.new_page(locale="en-GB")
    sign_up(reader, site, READER)
    yield world.mailbox.wait_for(lambda m: m.to == READER, timeout_s=MAILED_WITHIN_S)
    reader.close()


@pytest.fixture(scope="module")
def welcome(browser: Browser, world: World, site: str, asked: Mail) -> Iterator[Mail]:
    """What came after the reader had confirmed."""
    link = re.search(re.escape(site) + r"\S+confirm\S+", asked.text)
    assert link, asked.text
    reader = browser.new_page(locale="en-GB")
    reader.goto(link.group())
    reader.locator("main").get_by_role("button").first.click()
    yield world.mailbox.wait_for(lambda m: m.to == READER, timeout_s=MAILED_WITHIN_S, after=asked.number)
    reader.close()


@pytest.fixture(scope="module")
def published(editor: Page, welcome: Mail, site: str) -> str:
    """The title of an article, written and published by an editor."""
    editor.goto(f"{site}admin/")
    home = editor.request.get(f"{site}admin/api/main/pages/?type=articles.ArticleIndex").json()["items"][0]["id"]
    editor.goto(f"{site}admin/pages/add/articles/article/{home}/")
    editor.wait_for_load_state("networkidle")  # the editor's script makes the slug from the title, once it has loaded
    autosave.await_editor(editor)
    editor.locator("#id_title").fill(TITLE)
    editor.locator("#id_title").blur()
    expect(editor.locator("#id_slug")).to_have_value("the-octopus-that-kept-a-garden")
    autosave.await_draft(editor)
    # The editor for text, which its own scripts and styles make within the page, and the preview beside it.
    editor.locator("[data-streamfield-stream-container] button").first.click()
    editor.get_by_role("option", name="Text").click()
    text = editor.locator("[data-streamfield-child] .public-DraftEditor-content")
    text.click()
    expect(text).to_be_focused()
    text.press_sequentially(WORDS)
    # It fills its field a little later, and a preview that is loading for the first time does not hear of it.
    expect(editor.locator("[data-streamfield-child] input[name$='-value']")).to_have_value(re.compile(WORDS))
    autosave.await_draft(editor)
    editor.get_by_role("button", name="Toggle preview").click()
    expect(editor.frame_locator("#w-preview-iframe").locator("main")).to_contain_text(WORDS)
    autosave.await_draft(editor)
    editor.locator("button[aria-controls], button[aria-label]").filter(has_text="Actions").or_(
        editor.locator(".footer__container [data-w-dropdown-target='toggle']")
    ).first.click()
    editor.get_by_role("button", name="Publish").click()
    expect(editor.locator(".messages")).to_contain_text("published")
    return TITLE


@pytest.fixture(scope="module")
def mailed(world: World, published: str) -> Mail:
    """The article, as it came to the reader."""
    return world.mailbox.wait_for(lambda m: m.to == READER and published in m.subject, timeout_s=MAILED_WITHIN_S)


@pytest.mark.requirement("P2", "P3")
def test_reader_signs_up_confirms_and_is_welcomed(welcome: Mail, site: str) -> None:
    assert welcome.unsubscribe_url.startswith(site)


@pytest.mark.requirement("P4")
def test_reader_finds_what_was_published(published: str, reader: Page, site: str) -> None:
    reader.goto(site)
    reader.get_by_role("link", name=published).first.click()
    expect(reader.locator("h1")).to_have_text(published)
    expect(reader.locator("main")).to_contain_text(WORDS)


@pytest.mark.requirement("P4")
def test_editor_watches_the_issue_finish(published: str, editor: Page, site: str) -> None:
    editor.goto(f"{site}admin/newsletter/issues/")
    editor.get_by_role("link", name=published).first.click()
    # The page is live: it must say so by itself, without being loaded again.
    expect(editor.locator("main")).to_contain_text(re.compile("Finished", re.I), timeout=DELIVERED_WITHIN_MS)


@pytest.mark.requirement("P4")
def test_mail_can_be_left_by_one_click(mailed: Mail) -> None:
    assert mailed.header("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"


@pytest.mark.requirement("P2")
def test_reader_unsubscribes_by_the_link_in_the_mail(reader: Page, editor: Page, mailed: Mail, site: str) -> None:
    reader.goto(mailed.unsubscribe_url)
    reader.locator("main").get_by_role("button", name=re.compile("unsubscribe", re.I)).click()
    expect(reader.locator("h1")).to_be_visible()
    editor.goto(f"{site}admin/newsletter/subscribers/?q={READER}")
    expect(editor.locator("main")).to_contain_text(re.compile("unsubscribed", re.I))


def test_operator_opens_a_site_in_the_console(browser_context: BrowserContext, world: World) -> None:
    page = browser_context.new_page()
    page.goto(world.cli("login")["url"])
    page.get_by_role("button").first.click()
    page.goto(f"{world.control_url}/console/")
    page.get_by_role("link", name="Sites").first.click()
    page.get_by_title("Add site").click()
    page.get_by_label("Client").select_option(label="Acme")
    page.get_by_label("Name").fill("second")
    page.get_by_label("Title").fill("Second site")
    page.get_by_role("button", name="Open site").click()

    def running() -> dict[str, Any] | None:
        seen = world.cli("site", "status", "acme/second")
        return seen if seen["state"] == "running" else None

    seen = eventually(running, within_s=STARTED_WITHIN_S, what="The second site's start")
    world.remember(seen)
    page.goto(seen["address"])
    expect(page.locator("h1").first).to_be_visible()

    page.goto(seen["console_url"])
    with browser_context.expect_page() as opened:
        page.get_by_role("button", name="Open the site's admin").click()
    admin = opened.value
    admin.wait_for_url(f"{seen['address']}/**")  # by itself: the console only says where to
    admin.get_by_role("button").first.click()
    expect(admin).to_have_url(re.compile(re.escape(seen["address"]) + "/admin/"))
