"""Signing in, as people see and do it: the door, second factors, passkeys of a (virtual) device, what is said when it is refused.

In both languages, at the site and at the console; passkeys by Chromium's virtual authenticator, through the address localhost,
because browsers give none to an address of digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, expect

from tests import totp
from tests.browser import pages
from tests.browser.patience import STEP_MS
from tests.browser.screens import WAGTAIL, watched
from tests.browser.stage import Stage
from tests.browser.walk import Walk

PASSWORD = "seven tentacles and one"
LOCALES = {"en": "en-GB", "fr": "fr-FR"}
NAMES = {"site": "maud@example.org", "console": "operator"}
HUMAN = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


class Door:
    """One of the two doors, with an account that has a password and nothing else yet."""

    def __init__(self, stage: Stage, which: str) -> None:
        self.stage, self.which, self.name = stage, which, NAMES[which]
        base = (stage.site if which == "site" else stage.world.control_url).replace("127.0.0.1", "localhost")
        self.home = f"{base}/{'admin' if which == 'site' else 'console'}/"
        self.login, self.security = f"{self.home}login/", f"{self.home}account/security/"

    def begin(self) -> None:
        """The account as it was made: no factor, no count of failures."""
        if self.which == "site":
            self.stage.python(
                "from django.contrib.auth import get_user_model as u; from allauth.mfa.models import Authenticator as a;"
                "from webstreet.engine.guessing import FailedLogins as f;"
                f"p = u().objects.filter(username={self.name!r}).first() or u().objects.create_superuser({self.name!r}, {self.name!r});"
                f"p.set_password({PASSWORD!r}); p.save(); a.objects.all().delete(); f.objects.all().delete()"
            )
            return
        code = (
            "from django.contrib.auth import get_user_model as u; from allauth.mfa.models import Authenticator as a;"
            f"p = u().objects.get(username='operator'); p.set_password({PASSWORD!r}); p.save(); a.objects.all().delete()"
        )
        self.stage.control_python(code)

    @contextmanager
    def person(self, browser: Browser, locale: str = "en-GB") -> Iterator[Page]:
        """A browser with a device of its own that makes and keeps passkeys."""
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale=locale, reduced_motion="reduce")
        context.set_default_timeout(STEP_MS)
        page = watched(context.new_page())
        device(context, page)
        yield page
        context.close()

    def walk(self, page: Page, addresses: Mapping[str, str], language: str) -> Walk:
        """Through pages of this door, see `tests.browser.pages`."""
        known = WAGTAIL if self.which == "site" else ()
        return Walk(page, addresses, f"login {self.which}", language, below=urlsplit(self.home).path, known=known)

    def type_password(self, page: Page) -> None:
        page.goto(self.login)
        page.locator("input[name=username]").fill(self.name)
        page.locator("input[name=password]").fill(PASSWORD)
        page.locator("form", has=page.locator("input[name=password]")).locator("button[type=submit]").click()

    def confirm(self, page: Page) -> None:
        page.locator(".logins input[name=password]").fill(PASSWORD)
        page.locator(".logins-main").click()

    def add_app(self, page: Page) -> str:
        page.goto(f"{self.security}app/add/")
        if "/confirm/" in page.url:
            self.confirm(page)
        secret = page.locator("#authenticator_secret").inner_text()
        page.locator("input[name=code]").fill(totp.code(secret))
        page.locator(".logins-main").click()
        page.wait_for_url(lambda url: not url.endswith("/app/add/"))  # to the codes, or back if there were some
        return secret


def device(context: BrowserContext, page: Page) -> CDPSession:
    session = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": HUMAN})
    return session


@pytest.fixture(params=["site", "console"])
def door(stage: Stage, request: pytest.FixtureRequest) -> Door:
    found = Door(stage, request.param)
    found.begin()
    return found


def test_a_passkey_is_added_and_opens_the_door_by_itself(door: Door, browser: Browser) -> None:
    with door.person(browser) as page:
        said: list[str] = []
        page.on("console", lambda m: said.append(m.text) if m.type == "error" else None)
        door.type_password(page)
        page.wait_for_url(door.home)
        page.goto(door.security)
        page.get_by_role("link", name="Add passkey").click()
        door.confirm(page)
        page.get_by_label("Name").fill("Blue key")
        page.get_by_role("button", name="Add passkey").click()
        page.wait_for_url("**/recovery-codes/")
        expect(page.locator("#recovery_codes li")).to_have_count(10)
        page.goto(door.security)
        expect(page.locator(".logins-list")).to_contain_text("Blue key")
        expect(page.locator(".logins-list")).to_contain_text("signs in without a password")
        # Out, and in again with nothing but the device.
        page.context.clear_cookies()
        page.goto(f"{door.login}?next={urlsplit(door.security).path}")
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.wait_for_url(door.security)
        # Beside a password it is the second factor.
        page.context.clear_cookies()
        door.type_password(page)
        page.wait_for_url("**/login/code/")
        page.get_by_role("button", name="Use a passkey").click()
        page.wait_for_url(door.home)
        assert said == [], "no page breaks its own policy"


def test_a_device_without_a_passkey_is_told_so(door: Door, browser: Browser) -> None:
    with door.person(browser) as page:
        page.goto(door.login)
        page.get_by_role("button", name="Sign in with a passkey").click()
        told = page.locator("[data-passkey-failed]")
        expect(told).to_be_visible()
        expect(told).to_be_focused()
        expect(told).to_contain_text("gave no passkey")


def test_the_app_is_added_and_asked_for(door: Door, browser: Browser) -> None:
    with door.person(browser) as page:
        door.type_password(page)
        page.wait_for_url(door.home)
        secret = door.add_app(page)
        page.context.clear_cookies()
        door.type_password(page)
        page.wait_for_url("**/login/code/")
        page.locator("input[name=code]").fill(totp.wrong(secret))
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator(".logins-error:visible")).to_have_count(1)
        page.locator("input[name=code]").fill(totp.code(secret, steps=1))
        page.keyboard.press("Enter")
        page.wait_for_url(door.home)


@pytest.mark.parametrize("language", LOCALES)
def test_every_page_about_signing_in(door: Door, browser: Browser, language: str) -> None:
    with door.person(browser, LOCALES[language]) as page, door.walk(page, pages.ENTRANCES, language) as walk:
        walk.look("door", door.login)
        door.type_password(page)
        page.wait_for_url(door.home)
        walk.look("security", door.security)
        page.goto(f"{door.security}app/add/")
        walk.look("confirm")
        door.confirm(page)
        walk.look("app")
        walk.look("key", f"{door.security}keys/add/")
        page.locator("input[name=name]").fill("Une clé au nom très long, que personne n’écrirait, mais " + "x" * 40)
        page.locator("#mfa_webauthn_add").click()
        page.wait_for_url("**/recovery-codes/")
        walk.look("codes")
        door.add_app(page)
        walk.look("security-full", door.security)
        for part in ("rename", "remove"):
            page.goto(door.security)
            page.locator(f"a[href*='/keys/'][href$='/{part}/']").first.click()
            walk.look(part)
        walk.look("app-remove", f"{door.security}app/remove/")
        walk.look("new-codes", f"{door.security}recovery-codes/new/")
        walk.look("confirm-code", f"{door.security}confirm/code/")
        walk.look("confirm-key", f"{door.security}confirm/key/")
        page.context.clear_cookies()
        door.type_password(page)
        page.wait_for_url("**/login/code/")
        walk.look("code")
        page.locator("input[name=code]").fill("000000")
        walk.press(".logins-main")
        walk.look("code-wrong", refused=True)


def test_what_a_stranger_is_told(stage: Stage, browser: Browser) -> None:
    door = Door(stage, "site")
    door.begin()
    for language, locale in LOCALES.items():
        with door.person(browser, locale) as page, door.walk(page, pages.REFUSED, language) as walk:
            for _attempt in range(11 if language == "en" else 1):  # then the name is known for it
                page.goto(door.login)
                page.locator("input[name=username]").fill("nobody")
                page.locator("input[name=password]").fill("wrong")
                page.locator("form", has=page.locator("input[name=password]")).locator("button[type=submit]").click()
            expect(page.locator("h1")).to_have_text(re.compile("Too many attempts|Trop d"))
            walk.look("429", status=429)
    door.begin()
