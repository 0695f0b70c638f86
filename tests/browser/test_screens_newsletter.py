"""The newsletter's pages for readers and its screens in the admin: both languages, nobody and 100,000, long and foreign words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.screens import WAGTAIL, check_page
from tests.browser.stage import BARE, Stage

CONTENT = Path(__file__).parent / "newsletter_content.py"
READER = {
    "subscribe": "/newsletter/subscribe/",
    "subscribe in French": "/fr/newsletter/subscribe/",
    "confirm": "/newsletter/confirm/{confirm}/",
    "unsubscribe": "/newsletter/unsubscribe/{unsubscribe}/",
    "unsubscribed before": "/newsletter/unsubscribe/{left}/",
    "preferences": "/newsletter/preferences/{english}/",
    "preferences in French": "/newsletter/preferences/{preferences}/",
    "new address": "/newsletter/address/{address}/",
    "ask for data": "/newsletter/my-data/",
    "data": "/newsletter/my-data/{data en}/",
    "link of a test": "/newsletter/preferences/link-of-a-test-mail/",
}
BROKEN = {
    "unknown link": (404, "/newsletter/confirm/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/"),
    "expired link": (410, "/newsletter/confirm/{expired}/"),
    "unknown preferences": (404, "/newsletter/preferences/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/"),
    "unknown data": (404, "/newsletter/my-data/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/"),
}
ADMIN = {
    "subscribers": "subscribers/",
    "subscribers filtered": "subscribers/?language=fr&since=2020-01-01&source=form&sort=-email",
    "subscribers last page": "subscribers/?page=2000",
    "no subscriber matches": "subscribers/?q=nobody.at.all",
    "subscriber with long words": "subscribers/{long}/",
    "subscriber": "subscribers/{noor}/",
    "subscriber removed": "subscribers/{long}/remove/",
    "add subscriber": "subscribers/add/",
    "job": "subscribers/many/{job}/",
    "issues": "issues/",
    "issue under way": "issues/{mixed}/",
    "issue in Arabic": "issues/{arabic}/",
    "issue paused": "issues/{paused}/",
    "issue draft": "issues/{draft}/",
    "recipients": "issues/{mixed}/recipients/",
    "recipients who failed": "issues/{mixed}/recipients/?state=failed",
    "recipients of a draft": "issues/{draft}/recipients/",
    "mail": "issues/{mixed}/mail/",
    "mail as text on a phone": "issues/{mixed}/mail/?as=text&width=phone&scheme=dark",
    "mail of a draft without article": "issues/{draft}/mail/",
}


ENGLISH = re.compile(
    r"\b(?:the|and|of|was|were|with|from|this|that|not|has|have|search|filter|sent|waiting|failed)\b", re.I
)
CONTENT_OF_PEOPLE = (
    "[dir=auto], bdi, code, pre, time, svg, script, style, template, iframe, td, q, blockquote, [lang=en], .nl-content"
)


def english(page: Page) -> list[str]:
    """Lines of the main part that are in English: words of the screen, not of what people wrote."""
    lines = page.evaluate(
        """theirs => {
            const walk = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT), found = [];
            while (walk.nextNode()) {
                const e = walk.currentNode.parentElement;
                if (!e.closest(theirs) && e.checkVisibility()) found.push(walk.currentNode.textContent.trim());
            }
            for (const e of document.querySelectorAll("main [aria-label], main [title], main [placeholder]"))
                if (!e.closest(theirs)) found.push(...["aria-label", "title", "placeholder"].map(a => e.getAttribute(a) ?? ""));
            return found.filter(Boolean);
        }""",
        CONTENT_OF_PEOPLE,
    )
    return [line for line in lines if ENGLISH.search(line) and "A title of" not in line]


def slug(name: str) -> str:
    return f"newsletter {name}".replace(" ", "-").lower()


@pytest.fixture(scope="module")
def content(stage: Stage) -> dict[str, object]:
    found: dict[str, object] = json.loads(stage.python(CONTENT.read_text("utf-8")).splitlines()[-1])
    return found


@pytest.mark.parametrize("name", READER)
def test_pages_for_readers(stage: Stage, content: dict[str, object], name: str) -> None:
    with stage.reader() as page:
        check_page(page, stage.site + READER[name].format(**content), name=slug(name))


@pytest.mark.parametrize("name", BROKEN)
def test_links_that_do_not_work(stage: Stage, content: dict[str, object], name: str) -> None:
    status, path = BROKEN[name]
    with stage.reader() as page:
        check_page(page, stage.site + path.format(**content), name=slug(name), status=status)


def test_what_forms_of_readers_answer(stage: Stage, content: dict[str, object]) -> None:
    with stage.reader("fr-FR") as page:
        page.goto(f"{stage.site}/newsletter/preferences/{content['preferences']}/")
        page.get_by_role("button", name="Enregistrer les préférences").click()
        expect(page.get_by_role("status")).to_contain_text("enregistrées")
        check_page(page, name="newsletter-preferences-saved-fr")
        page.goto(f"{stage.site}/newsletter/my-data/{content['data']}/")
        page.get_by_role("button", name="Montrer mes données").click()
        check_page(page, name="newsletter-data-shown-fr")
        page.get_by_role("button", name="Effacer mes données").click()
        expect(page.locator("h1")).to_have_text(re.compile("Tout effacer"))
        check_page(page, name="newsletter-data-erase-fr")
    with stage.reader() as page:
        page.goto(f"{stage.site}/newsletter/my-data/")
        page.locator("main input[type=email]").fill("nobody@example.org")
        page.get_by_role("button", name="Send the link").click()
        check_page(page, name="newsletter-data-asked")
        page.goto(f"{stage.site}/newsletter/preferences/{content['english']}/")
        page.locator("#new-email").fill("a@b")
        page.get_by_role("button", name="Change address").click()
        expect(page.locator("#email-error")).to_be_visible()
        check_page(page, name="newsletter-address-refused")


@pytest.fixture(scope="module", params=["en-GB", "fr-FR"])
def editor(stage: Stage, request: pytest.FixtureRequest) -> Iterator[tuple[Page, str]]:
    """An editor and their language: one log-in for all screens."""
    with stage.editor(request.param) as page:
        yield page, request.param[:2]


@pytest.mark.parametrize("name", ADMIN)
def test_screens_of_editors(stage: Stage, content: dict[str, object], editor: tuple[Page, str], name: str) -> None:
    page, language = editor
    url = f"{stage.site}/admin/newsletter/{ADMIN[name].format(**content)}"
    check_page(page, url, name=slug(f"admin {language} {name}"), known=WAGTAIL)
    if language == "fr":
        assert english(page) == []


def test_a_live_part_goes_on_for_who_is_in_it_by_keyboard(stage: Stage, content: dict[str, object]) -> None:
    change = "from webstreet.atoms.newsletter.models import Issue; Issue.objects.filter(pk={}).update(trouble='{}')"
    with stage.editor() as page:
        page.goto(f"{stage.site}/admin/newsletter/issues/{content['mixed']}/")
        page.get_by_role("button", name="Pause issue").focus()
        stage.python(change.format(content["mixed"], "mail_server.away"))
        expect(page.get_by_text("The mail server does not take mail right now")).to_be_visible(timeout=20_000)
        expect(page.get_by_role("button", name="Pause issue")).to_be_focused()
        page.get_by_role("checkbox").locator("visible=true").and_(page.locator(":enabled")).first.check()
        stage.python(change.format(content["mixed"], ""))
        with page.expect_response(re.compile("/status/"), timeout=20_000):
            pass
        expect(page.get_by_text("The mail server does not take mail right now")).to_be_visible()
        expect(page.get_by_role("checkbox", checked=True)).to_have_count(1)


def test_the_first_page_shows_delivery_and_growth(stage: Stage, content: dict[str, object]) -> None:
    with stage.editor() as page:
        check_page(page, f"{stage.site}/admin/?growth=months", name="newsletter-admin-dashboard", known=WAGTAIL)
        expect(page.get_by_role("region", name="Audience growth")).to_be_visible()


def test_a_site_without_a_subscriber_and_without_an_issue(stage: Stage) -> None:
    with stage.editor(site=BARE) as page:
        for path in ("subscribers/", "issues/"):
            check_page(
                page, f"{stage.bare}/admin/newsletter/{path}", name=slug(f"bare {path.strip('/')}"), known=WAGTAIL
            )


def test_many_are_asked_for_by_number(stage: Stage, content: dict[str, object]) -> None:
    with stage.editor() as page:
        page.goto(f"{stage.site}/admin/newsletter/subscribers/?q=reader")
        page.get_by_label("all 12 that match").check()
        page.locator("#nl-verb").select_option("remove")
        page.get_by_role("button", name="Go on").click()
        expect(page.locator("main h2").first).to_have_text("Remove 12 subscribers?")
        check_page(page, name="newsletter-admin-many", known=WAGTAIL)


def test_the_list_is_walked_by_keyboard(stage: Stage, content: dict[str, object]) -> None:
    with stage.editor() as page:
        page.goto(f"{stage.site}/admin/newsletter/subscribers/")
        page.keyboard.press("j")
        first = page.evaluate("document.activeElement.textContent")
        page.keyboard.press("j")
        page.keyboard.press("k")
        assert page.evaluate("document.activeElement.textContent") == first
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.id") == "nl-q"
        page.keyboard.type("noor")
        page.keyboard.press("Enter")
        expect(page.locator("[data-row]")).to_have_text("noor@example.org")
