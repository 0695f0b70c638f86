"""Every mail that readers get, as it came out of SMTP after they did what causes it: its HTML part as a page, its text part as lines.

They are the newsletter's. The console sends none (log-in links are made by the command line). What Wagtail writes to editors, about
comments and moderation, is in Wagtail's own words and templates, and is not looked at here: `tests/engine/test_notices.py` is about
its delivery.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route

from tests.browser.patience import MAILED_WITHIN_S
from tests.browser.screens import Known, check_page, needless
from tests.browser.stage import Stage
from webstreet.testing.mailbox import Mail

CONTENT = Path(__file__).parent / "mails_content.py"
LOCALES = {"en": ("en-GB", ""), "fr": ("fr-FR", "/fr")}
ISSUES = {"en": ("issue", "issue-arabic"), "fr": ("issue",)}
SLUGS = {"en": {"issue": "mail-long", "issue-arabic": "mail-arabic"}, "fr": {"issue": "mail-soir"}}
SMALL = ("confirmation", "welcome", "data", "address", "moved", "test")
MAILS = [f"{name} {language}" for language in LOCALES for name in (*SMALL, *ISSUES[language])]
LINE_MAX = 78
SIZE_MAX = 102_400
MAIL = (
    Known("landmark-one-main", "html", "a mail is shown within the page of a mail program, which has its landmarks"),
    Known("region", "html", "the same"),
)


@dataclass
class Letterbox:
    """One person who signs up, and everything that comes for them."""

    stage: Stage
    page: Page
    language: str

    @property
    def base(self) -> str:
        return f"{self.stage.site}{LOCALES[self.language][1]}/newsletter"

    def after(self, cause: object, address: str, words: str = "") -> Mail:
        """The mail to an address that comes when ``cause`` was called."""
        box = self.stage.world.mailbox
        seen = max((mail.number for mail in box), default=0)
        cause()  # type: ignore[operator]
        return box.wait_for(lambda m: m.to == address and words in m.text, timeout_s=MAILED_WITHIN_S, after=seen)

    def submit(self, field: str, value: str) -> None:
        form = self.page.locator("main form", has=self.page.locator(field))
        form.locator(field).fill(value)
        form.locator("button[type=submit]").click()

    def follow(self, mail: Mail) -> None:
        self.page.goto(link(mail, self.stage.site))

    def press(self) -> None:
        self.page.locator("main form button[type=submit]").first.click()


def link(mail: Mail, site: str) -> str:
    """The first address in a mail that is no page of the whole site, as a person takes it: on a line of its own."""
    found = [line for line in mail.text.splitlines() if re.fullmatch(rf"{re.escape(site)}/\S*newsletter/\S+", line)]
    assert found, mail.text
    return found[0]


def small_mails(box: Letterbox) -> Iterator[tuple[str, Mail]]:
    """What one person causes alone, in the order of a subscriber's life."""
    address, moved = f"mails.{box.language}@example.org", f"mails.moved.{box.language}@example.org"
    box.page.goto(f"{box.base}/subscribe/")
    confirmation = box.after(lambda: box.submit("input[type=email]", address), address)
    yield "confirmation", confirmation
    box.follow(confirmation)
    welcome = box.after(box.press, address)
    yield "welcome", welcome
    box.page.goto(f"{box.base}/my-data/")
    yield "data", box.after(lambda: box.submit("#data-email", address), address)
    preferences = re.search(r"\S+/newsletter/preferences/\S+", welcome.text)
    assert preferences, welcome.text
    box.page.goto(preferences.group())
    change = box.after(lambda: box.submit("#new-email", moved), moved)
    yield "address", change
    box.follow(change)
    yield "moved", box.after(box.press, address)


def issues(stage: Stage) -> Iterator[tuple[str, Mail]]:
    """Published, delivered by the site's worker, and sent once more as an editor's test."""
    box = stage.world.mailbox
    seen = max((mail.number for mail in box), default=0)
    stage.python(CONTENT.read_text("utf-8"))
    for language in LOCALES:
        address = f"mails.moved.{language}@example.org"
        for name in ISSUES[language]:
            slug = SLUGS[language][name]
            mail = box.wait_for(
                lambda m, to=address, part=f"/{slug}/": m.to == to and part in m.text,
                timeout_s=MAILED_WITHIN_S,
                after=seen,
            )
            yield f"{name} {language}", mail
        with stage.editor(LOCALES[language][0]) as page:
            page.goto(f"{stage.site}/admin/newsletter/issues/")
            subject = mail.subject[:20]
            page.locator("main a", has_text=subject).first.click()
            page.goto(f"{page.url}mail/")
            to = f"test.{language}@example.org"
            page.locator("#nl-addresses").fill(to)
            page.locator("form", has=page.locator("#nl-addresses")).locator("button").click()
            yield f"test {language}", box.wait_for(lambda m, to=to: m.to == to, timeout_s=MAILED_WITHIN_S, after=seen)


@pytest.fixture(scope="module")
def mails(stage: Stage) -> dict[str, Mail]:
    found = {}
    for language, (locale, _path) in LOCALES.items():
        with stage.reader(locale) as page:
            for name, mail in small_mails(Letterbox(stage, page, language)):
                found[f"{name} {language}"] = mail
    return found | dict(issues(stage))


def show(page: Page, stage: Stage, mail: Mail) -> str:
    """A mail as a page of its site, so that its pictures are there; the address."""
    address = f"{stage.site}/mail-{mail.number}/"

    def answer(route: Route) -> None:
        route.fulfill(status=200, content_type="text/html; charset=utf-8", body=mail.html)

    page.route(address, answer)
    return address


@pytest.mark.parametrize("name", MAILS)
def test_the_mail_as_a_page(stage: Stage, mails: dict[str, Mail], name: str) -> None:
    with stage.reader(LOCALES[name[-2:]][0]) as page:
        mail = mails[name]
        check_page(page, show(page, stage, mail), name=f"mail-{name.replace(' ', '-')}", language=name[-2:], known=MAIL)
        assert needless(MAIL) == []
        assert len(mail.raw) < SIZE_MAX
        # Where styles in the head are not read, nothing may be lost but the dark colours and the narrow margins.
        page.evaluate("document.querySelectorAll('style').forEach(e => e.remove())")
        assert page.evaluate("getComputedStyle(document.querySelector('h1')).fontSize") in ("30px", "24px")
        assert page.evaluate("document.querySelector('.preheader').checkVisibility()") is False


@pytest.mark.parametrize("name", MAILS)
def test_the_mail_as_text(mails: dict[str, Mail], name: str) -> None:
    """It reads by itself: every address of the HTML part is in it, on a line that mail programs leave whole; nothing is left of markup."""
    mail = mails[name]
    lines = mail.text.splitlines()
    assert not re.search(r"<[a-z/!]|&[a-z#0-9]+;|\{[{%]|[\ue000\ue001]", mail.text)
    assert "\n\n\n" not in "\n".join(lines)
    assert [line for line in lines if len(line) > LINE_MAX and " " in line.strip() and "http" not in line] == []
    assert [line for line in lines if line != line.rstrip() and line != "-- "] == []
    targets = {a.replace("&amp;", "&") for a in re.findall(r'<a\b[^>]*href="([^"]+)"', mail.html)}
    assert {target for target in targets if target not in mail.text} == set()


def test_dark_is_meant_and_text_of_other_scripts_runs_its_way(stage: Stage, mails: dict[str, Mail]) -> None:
    with stage.reader() as page:
        page.emulate_media(color_scheme="dark")
        page.goto(show(page, stage, mails["issue en"]))
        colours = (
            "[...document.querySelectorAll('.inner, .inner *, .small')].filter(e => e.innerText?.trim()).map("
            "e => getComputedStyle(e).color)"
        )
        for colour in set(page.evaluate(colours)):
            red, green, blue = (int(part) for part in re.findall(r"\d+", colour)[:3])
            on_button = (red, green, blue) == (0x17, 0x15, 0x13)
            assert on_button or red + green + blue > 384, f"{colour} on a dark ground"
        directions = (
            "Object.fromEntries([...document.querySelectorAll('p, li, blockquote')].map("
            "e => [e.innerText.slice(0, 9), getComputedStyle(e).direction]))"
        )
        found = page.evaluate(directions)
        assert {way for text, way in found.items() if re.match("[\u0600-\u06ff]", text)} == {"rtl"}
        assert found["An octopu"] == "ltr"
