"""Second factors of operators: asked for, recorded, limited, and taken away when lost."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.test import Client as Browser

from tests import totp
from webstreet.contract.environment import SettingInvalid
from webstreet.control.clients.actions import make_login_link
from webstreet.control.clients.models import Member, Role
from webstreet.control.console import password
from webstreet.control.journal.models import Event
from webstreet.control.logging_in import second_factor_required
from webstreet.control.start import operator as make_operator

PASSWORD = "right and long enough"
SECURITY = "/console/account/security/"


@pytest.fixture
def operator_user(db: None) -> Any:
    user = make_operator()
    user.set_password(PASSWORD)  # type: ignore[attr-defined]
    user.save()  # type: ignore[attr-defined]
    return user


def log_in(browser: Browser, word: str = PASSWORD, **more: str) -> Any:
    return browser.post("/console/login/", {"username": "operator", "password": word, **more})


def inside(browser: Browser) -> bool:
    return browser.get("/console/").status_code == 200


@pytest.fixture
def browser(operator_user: Any) -> Browser:
    found = Browser()
    assert log_in(found)["Location"] == "/console/"
    return found


@pytest.fixture
def protected(browser: Browser, django_capture_on_commit_callbacks: Any) -> tuple[str, list[str]]:
    assert browser.post(f"{SECURITY}confirm/", {"password": PASSWORD}).status_code == 302
    secret = re.search(
        r'id="authenticator_secret">([A-Z2-7]{32})<', browser.get(f"{SECURITY}app/add/").content.decode()
    )
    assert secret
    with django_capture_on_commit_callbacks(execute=True):
        done = browser.post(f"{SECURITY}app/add/", {"code": totp.code(secret[1])}, follow=True)
    shown = done.content.decode()
    return secret[1], re.findall(r"<code>(\d{8})</code>", shown)


def test_a_right_password_alone_is_not_enough(protected: Any) -> None:
    secret, codes = protected
    other = Browser()
    assert log_in(other, next="/console/sites/site/")["Location"] == "/console/login/code/"
    assert not inside(other)
    assert other.post("/console/login/code/", {"code": totp.wrong(secret)}).status_code == 200
    assert not inside(other)
    assert (
        other.post("/console/login/code/", {"code": totp.code(secret, steps=1)})["Location"] == "/console/sites/site/"
    )
    assert inside(other)
    third = Browser()
    log_in(third)
    third.post("/console/login/code/", {"code": codes[0]})
    assert inside(third)


def test_the_journal_tells_of_it(protected: Any) -> None:
    secret, _codes = protected
    other = Browser()
    log_in(other, "wrong")
    log_in(other)
    other.post("/console/login/code/", {"code": totp.wrong(secret)})
    other.post("/console/login/code/", {"code": totp.code(secret, steps=1)})
    other.post("/console/login/", {"username": "canary", "password": "x"})
    told = [
        (e.what, e.detail.get("by") or e.detail.get("factor"))
        for e in Event.objects.filter(what__startswith="operator.").order_by("pk")
    ]
    assert told == [
        ("operator.made", None),
        ("operator.logged_in", "password"),
        ("operator.factor_added", "totp"),
        ("operator.factor_added", "recovery_codes"),
        ("operator.login_refused", "password"),
        ("operator.login_refused", "totp"),
        ("operator.logged_in", "totp"),
    ]
    assert "canary" not in str(list(Event.objects.values_list()))


def test_codes_cannot_be_guessed_at_leisure(protected: Any) -> None:
    secret, codes = protected
    for number in range(6):
        guesser = Browser(REMOTE_ADDR=f"192.0.2.{number}")
        log_in(guesser)
        guesser.post("/console/login/code/", {"code": totp.wrong(secret)})
    late = Browser(REMOTE_ADDR="198.51.100.1")
    log_in(late)
    for right in (totp.code(secret, steps=1), codes[0]):
        assert b"Too many wrong codes" in late.post("/console/login/code/", {"code": right}).content
    assert not inside(late)
    assert Event.objects.filter(what="operator.login_limited").count() == 1
    assert Browser().post(f"/console/link/{make_login_link(by='test')[1].reveal()}/").status_code == 302


def test_confirming_the_password_is_limited_too(browser: Browser) -> None:
    for _ in range(5):
        assert browser.post(f"{SECURITY}confirm/", {"password": "wrong"}).status_code == 200
    assert b"Too many attempts" in browser.post(f"{SECURITY}confirm/", {"password": PASSWORD}).content
    password.of_name.clear()
    assert browser.post(f"{SECURITY}confirm/", {"password": PASSWORD}).status_code == 302


def test_a_link_lets_in_and_changes_no_factor(protected: Any) -> None:
    person = Browser()
    assert person.post(f"/console/link/{make_login_link(by='test')[1].reveal()}/").status_code == 302
    assert inside(person)
    assert person.post(f"{SECURITY}app/remove/").status_code == 302
    assert Authenticator.objects.filter(type="totp").exists()


def test_a_lost_factor_is_taken_away_by_link(protected: Any, browser: Browser, operator: Any) -> None:
    answer = operator.post("/login-links", {"reset_second_factor": True})
    assert answer.status_code == 201
    assert not Authenticator.objects.exists()
    assert not inside(browser)
    assert Event.objects.filter(what="operator.factors_reset", object="operator").count() == 1


def test_it_can_be_required(operator_user: Any, settings: Any) -> None:
    settings.SECOND_FACTOR_REQUIRED = True
    browser = Browser()
    log_in(browser)
    for path in ("/console/", "/console/sites/site/", "/console/password_change/"):
        assert browser.get(path)["Location"] == SECURITY
    assert b"needs a second factor" in browser.get(SECURITY).content
    assert [second_factor_required({"WEBSTREET_SECOND_FACTOR": w}) for w in ("", "optional", "required")] == [
        False,
        False,
        True,
    ]
    with pytest.raises(SettingInvalid):
        second_factor_required({"WEBSTREET_SECOND_FACTOR": "yes"})


def test_signing_out_elsewhere_and_a_new_password_end_other_sessions(browser: Browser) -> None:
    other = Browser()
    log_in(other)
    browser.post(f"{SECURITY}sign-out-elsewhere/")
    assert (inside(browser), inside(other)) == (True, False)
    log_in(other)
    new = {"old_password": PASSWORD, "new_password1": "longer and also right", "new_password2": "longer and also right"}
    assert browser.post("/console/password_change/", new).status_code == 302
    assert (inside(browser), inside(other)) == (True, False)


def test_a_new_factor_ends_the_sessions_that_began_without_it(
    browser: Browser, django_capture_on_commit_callbacks: Any
) -> None:
    other = Browser()
    log_in(other)
    browser.post(f"{SECURITY}confirm/", {"password": PASSWORD})
    page = browser.get(f"{SECURITY}app/add/").content.decode()
    secret = re.search(r'id="authenticator_secret">([A-Z2-7]{32})<', page)
    assert secret
    with django_capture_on_commit_callbacks(execute=True):
        browser.post(f"{SECURITY}app/add/", {"code": totp.code(secret[1])})
    assert (inside(browser), inside(other)) == (True, False)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_its_pages_load_for_operators_only(browser: Browser, blog: Any, language: str) -> None:
    pages = ["", "confirm/", "app/add/", "keys/add/"]
    browser.post(f"{SECURITY}confirm/", {"password": PASSWORD})
    for page in pages:
        assert browser.get(SECURITY + page, headers={"accept-language": language}).status_code == 200, page
    member = User.objects.create_user("member", password=PASSWORD, is_staff=True, is_superuser=True)
    Member.objects.create(user=member, role=Role.ADMIN, client=blog.client)
    stranger = Browser()
    stranger.force_login(member)
    for page in pages:
        assert stranger.get(SECURITY + page).status_code == 302, page


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_no_way_in_leads_elsewhere(protected: Any, target: str) -> None:
    browser = Browser()
    log_in(browser, next=target)
    answer = browser.post("/console/login/code/", {"code": protected[1][0], "next": target})
    assert answer["Location"] == "/console/"


@pytest.mark.parametrize(
    "path", ["signup/", "password/reset/", "email/", "2fa/", "account/security/recovery-codes/download/"]
)
def test_nothing_else_of_allauth_can_be_reached(browser: Browser, path: str) -> None:
    for before in ("/console/", "/accounts/", "/console/account/", "/"):
        assert browser.get(before + path).status_code == 404


@pytest.mark.parametrize("language", ["en", "fr"])
def test_its_pages_are_valid_markup(browser: Browser, django_capture_on_commit_callbacks: Any, language: str) -> None:
    """The part of looking at pages that needs no browser."""
    from tests.browser.markup import faults

    browser.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    pages = {"confirm": browser.get(f"{SECURITY}confirm/")}
    browser.post(f"{SECURITY}confirm/", {"password": PASSWORD})
    app = browser.get(f"{SECURITY}app/add/")
    secret = re.search(r'id="authenticator_secret">([A-Z2-7]{32})<', app.content.decode())
    assert secret
    pages |= {"app": app, "codes": browser.post(f"{SECURITY}app/add/", {"code": totp.code(secret[1])}, follow=True)}
    for name in ("", "keys/add/", "app/remove/", "recovery-codes/new/"):
        pages[name] = browser.get(SECURITY + name)
    key = Authenticator.objects.create(user=User.objects.get(), type="webauthn", data={"name": "Blue key"})
    for name in ("rename", "remove"):
        pages[name] = browser.get(f"{SECURITY}keys/{key.pk}/{name}/")
    key.delete()
    other = Browser(HTTP_ACCEPT_LANGUAGE=language)
    pages["door"] = other.get("/console/login/")
    log_in(other)
    pages["code"] = other.get("/console/login/code/")
    assert {name: page.status_code for name, page in pages.items() if page.status_code != 200} == {}
    wrong = {name: faults(page.content.decode()) for name, page in pages.items()}
    assert {name: found for name, found in wrong.items() if found} == {}
    assert [name for name, page in pages.items() if f'lang="{language}"' not in page.content.decode()] == []
