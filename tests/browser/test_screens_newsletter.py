"""The newsletter's pages for readers and its screens in the admin: both languages, nobody and 100,000, long and foreign words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser import pages
from tests.browser.screens import WAGTAIL, check_page
from tests.browser.stage import BARE, Stage
from tests.browser.walk import Walk

CONTENT = Path(__file__).parent / "newsletter_content.py"
LOCALES = {"en": ("en-GB", ""), "fr": ("fr-FR", "/fr")}
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


@pytest.mark.parametrize("name", pages.NEWSLETTER)
def test_pages_for_readers(stage: Stage, content: dict[str, object], name: str) -> None:
    with stage.reader() as page:
        address = stage.site + pages.NEWSLETTER[name].format(**content)
        check_page(page, address, name=slug(name), language=pages.language(name))
        if "in French" in name:
            assert english(page) == []


@pytest.mark.parametrize("name", pages.NEWSLETTER_BROKEN)
def test_links_that_do_not_work(stage: Stage, content: dict[str, object], name: str) -> None:
    status, path = pages.NEWSLETTER_BROKEN[name]
    with stage.reader() as page:
        address = stage.site + path.format(**content)
        check_page(page, address, name=slug(name), status=status, language=pages.language(name))
        if "in French" in name:
            assert english(page) == []


BUSY = {name: pages.NEWSLETTER_ANSWERS[name] for name in ("too many sign-ups", "too many asked")}


@pytest.mark.parametrize("language", LOCALES)
def test_what_forms_of_readers_answer(stage: Stage, content: dict[str, dict[str, str]], language: str) -> None:
    locale, before = LOCALES[language]
    tokens, base = content[f"walk {language}"], f"{stage.site}{before}/newsletter"
    answers = {name: path for name, path in pages.NEWSLETTER_ANSWERS.items() if name not in BUSY}
    with stage.reader(locale) as page, Walk(page, answers, "newsletter", language) as walk:

        def ask(field: str, address: str) -> None:
            form = page.locator("main form", has=page.locator(field)).first
            form.locator(field).fill(address)
            walk.press(form.locator("button[type=submit]"))

        page.goto(f"{base}/subscribe/")
        ask("input[type=email]", "a@b")
        walk.look("sign-up refused", status=422, refused=True)
        ask("input[type=email]", f"walks.in.{language}@example.org")
        walk.look("check your mailbox")
        page.goto(f"{base}/confirm/{tokens['confirm']}/")
        walk.press()
        walk.look("subscribed")
        walk.look("already confirmed", f"{base}/confirm/{tokens['confirm']}/")
        page.goto(f"{base}/unsubscribe/{tokens['unsubscribe']}/")
        walk.press()
        walk.look("unsubscribed")
        walk.press("main form[action*='/undo/'] button")
        walk.look("still subscribed")
        page.goto(f"{base}/preferences/{tokens['preferences']}/")
        walk.press("main button[value=save]")
        expect(page.get_by_role("status")).to_be_visible()
        walk.look("preferences saved")
        ask("#new-email", "a@b")
        walk.look("address refused", status=422, refused=True)
        ask("#new-email", f"walks.on.{language}@example.org")
        walk.look("address asked")
        page.goto(f"{base}/address/{tokens['address']}/")
        walk.press()
        walk.look("address changed")
        page.goto(f"{base}/my-data/")
        ask("#data-email", "nobody@example.org")
        walk.look("data asked")
        page.goto(f"{base}/my-data/{tokens['data']}/")
        for button, name in (("show", "data shown"), ("erase", "data erase"), ("erased", "data erased")):
            walk.press(f"main button[value={button}]")
            walk.look(name)


def test_what_forms_answer_when_too_many_come(stage: Stage, content: dict[str, object]) -> None:
    throttle = "from webstreet.atoms.newsletter.models.sign_up import Throttle; Throttle.objects."
    forms = {"too many sign-ups": "subscribe/", "too many asked": "my-data/"}
    try:
        for language, (locale, before) in LOCALES.items():
            with stage.reader(locale) as page, Walk(page, BUSY, "newsletter", language) as walk:
                for name, path in forms.items():
                    page.goto(f"{stage.site}{before}/newsletter/{path}")
                    page.locator("main input[type=email]").fill("one.more@example.org")
                    if language == "en" and path == "subscribe/":
                        walk.press()
                        stage.python(f"{throttle}update(count=10**6)")
                        page.go_back()
                        page.locator("main input[type=email]").fill("one.more@example.org")
                    walk.press()
                    walk.look(name, status=429)
    finally:
        stage.python(f"{throttle}all().delete()")


@pytest.fixture(scope="module", params=["en-GB", "fr-FR"])
def editor(stage: Stage, request: pytest.FixtureRequest) -> Iterator[tuple[Page, str]]:
    """An editor and their language: one log-in for all screens."""
    with stage.editor(request.param) as page:
        yield page, request.param[:2]


@pytest.mark.parametrize("name", pages.NEWSLETTER_ADMIN)
def test_screens_of_editors(stage: Stage, content: dict[str, object], editor: tuple[Page, str], name: str) -> None:
    page, language = editor
    url = f"{stage.site}/admin/newsletter/{pages.NEWSLETTER_ADMIN[name].format(**content)}"
    # In French the controls are the same: the keyboard reaches them once.
    shown, is_english = slug(f"admin {language} {name}"), language == "en"
    check_page(page, url, name=shown, language=language, known=WAGTAIL, walked=is_english)
    if language == "fr":
        assert english(page) == []


def test_a_live_part_goes_on_for_who_is_in_it_by_keyboard(stage: Stage, content: dict[str, object]) -> None:
    change = "from webstreet.atoms.newsletter.models import Issue; Issue.objects.filter(pk={}).update(trouble='{}')"
    with stage.editor() as page:
        page.goto(f"{stage.site}/admin/newsletter/issues/{content['mixed']}/")
        page.get_by_role("button", name="Pause issue").focus()
        stage.python(change.format(content["mixed"], "mail_server.away"))
        expect(page.get_by_text("The mail server does not take mail right now")).to_be_visible()
        expect(page.get_by_role("button", name="Pause issue")).to_be_focused()
        page.get_by_role("checkbox").locator("visible=true").and_(page.locator(":enabled")).first.check()
        stage.python(change.format(content["mixed"], ""))
        with page.expect_response(re.compile("/status/")):
            pass
        expect(page.get_by_text("The mail server does not take mail right now")).to_be_visible()
        expect(page.get_by_role("checkbox", checked=True)).to_have_count(1)


GROWTH = {"en": "Audience growth", "fr": "Évolution du lectorat"}
UNDECIDED = {"en": "It waits for your decision.", "fr": "Il attend votre décision."}


def test_the_first_page_shows_delivery_and_growth(stage: Stage, content: dict[str, object], editor: Any) -> None:
    page, language = editor
    shown = f"newsletter-admin-dashboard-{language}"
    check_page(page, f"{stage.site}/admin/?growth=months", name=shown, language=language, known=WAGTAIL)
    expect(page.get_by_role("region", name=GROWTH[language])).to_be_visible()
    expect(page.get_by_text(UNDECIDED[language])).to_be_visible()


AWAY = """
import json
from django.template.loader import render_to_string
from django.utils.translation import gettext, override
with override(%r):
    titles = [gettext(title) for title in ("What is being delivered", "Audience growth")]
    print(json.dumps([render_to_string("newsletter/admin/panel_away.html", {"title": title}) for title in titles]))
"""


def test_a_panel_whose_database_is_away(stage: Stage, content: dict[str, object], editor: Any) -> None:
    """As the panel's template says it, in the place of both panels."""
    page, language = editor
    replaced: list[int] = []
    away, address = json.loads(stage.python(AWAY % language)), f"{stage.site}/admin/?away"

    def answer(route: Route) -> None:
        sent = route.fetch()
        body, found = re.subn(
            r'<section aria-labelledby="nl-.*?</section>', lambda _: away.pop(0), sent.text(), flags=re.DOTALL
        )
        route.fulfill(response=sent, body=body)
        replaced.append(found)

    page.route(address, answer)
    check_page(page, address, name=f"newsletter-admin-away-{language}", language=language, known=WAGTAIL)
    page.unroute(address)
    assert replaced == [2]


@pytest.mark.parametrize("language", LOCALES)
def test_a_site_without_a_subscriber_and_without_an_issue(stage: Stage, language: str) -> None:
    with stage.editor(LOCALES[language][0], site=BARE) as page:
        for path in ("subscribers/", "issues/"):
            name = slug(f"bare {path.strip('/')} {language}")
            check_page(page, f"{stage.bare}/admin/newsletter/{path}", name=name, language=language, known=WAGTAIL)


MANY = {"en": "Remove 12 subscribers?", "fr": "12"}


def test_many_are_asked_for_by_number_and_with_a_reason(stage: Stage, content: dict[str, object], editor: Any) -> None:
    page, language = editor
    answers = pages.NEWSLETTER_ADMIN_ANSWERS
    with Walk(page, answers, "newsletter admin", language, below="/admin/newsletter/", known=WAGTAIL) as walk:
        page.goto(f"{stage.site}/admin/newsletter/subscribers/?q=reader")
        page.locator("[name=scope][value=all]").check()
        page.locator("#nl-verb").select_option("remove")
        walk.press(".nl-many button")
        expect(page.locator("main h2").first).to_contain_text(MANY[language])
        walk.look("many")
        page.goto(f"{stage.site}/admin/newsletter/suppressed/")
        page.locator("[name=scope][value=all]").check()
        walk.press(".nl-many button")
        expect(page.locator("#id_why")).to_be_focused()
        walk.look("write to many again")


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
