"""The second factor of the site's admin: setting it up, signing in with it, losing it; and the record of all that."""

from __future__ import annotations

import datetime as dt
import json
import re

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests import totp
from webstreet.engine import guessing
from webstreet.engine.accounts.models import FactorAsked, Method, Result, SecuritySettings, SignIn, forget_old
from webstreet.engine.login import make_link
from webstreet.logins.secrets import FactorUnreadable, decrypt

pytestmark = pytest.mark.django_db(databases=["default", "newsletter"])
NAME, PASSWORD = "maud@example.org", "seven tentacles and one"
HOST = {"host": "blog.example.com"}
SECURITY = "/admin/account/security/"


@pytest.fixture(autouse=True)
def quick_hash(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def editor():
    return get_user_model().objects.create_superuser(NAME, NAME, PASSWORD)


class Person:
    """Somebody with a browser; always over TLS."""

    def __init__(self, peer: str = "192.0.2.1") -> None:
        self.web, self.peer = Client(headers=HOST), peer

    def get(self, path: str):
        return self.web.get(path, secure=True, REMOTE_ADDR=self.peer)

    def post(self, path: str, **form: str):
        return self.web.post(path, form, secure=True, REMOTE_ADDR=self.peer)

    def password(self, password: str = PASSWORD, **more: str):
        return self.post("/admin/login/", username=NAME, password=password, **more)

    def code(self, code: str):
        return self.post("/admin/login/code/", code=code)

    @property
    def inside(self) -> bool:
        return self.get("/admin/").status_code == 200

    def confirm(self) -> None:
        """Whoever changes what protects an account proves once more who they are."""
        assert self.post(f"{SECURITY}confirm/", password=PASSWORD).status_code == 302

    def add_app(self, *, with_codes: bool = True) -> tuple[str, list[str]]:
        self.confirm()
        page = self.get(f"{SECURITY}app/add/").content.decode()
        secret = re.search(r'id="authenticator_secret">([A-Z2-7]{32})<', page)[1]
        answer = self.post(f"{SECURITY}app/add/", code=totp.code(secret))
        assert answer["Location"] == f"{SECURITY}recovery-codes/"
        shown = self.get(answer["Location"]).content.decode() if with_codes else ""
        return secret, re.findall(r"<code>(\d{8})</code>", shown)


@pytest.fixture
def person(editor) -> Person:
    found = Person()
    assert found.password().status_code == 302
    assert found.inside
    return found


@pytest.fixture
def protected(person):
    """The editor's authenticator app and recovery codes. The code that set the app up is as old as if it had been yesterday's."""
    found = person.add_app()
    guessing.FailedLogins.objects.all().delete()
    return found


def test_a_right_password_alone_is_not_enough_once_there_is_a_factor(protected):
    secret, _codes = protected
    other = Person()
    answer = other.password(next="/admin/pages/")
    assert answer["Location"] == "/admin/login/code/"
    assert not other.inside
    page = other.get("/admin/login/code/")
    assert "no-store" in page["Cache-Control"]
    assert 'autocomplete="one-time-code"' in page.content.decode()
    assert other.code(totp.wrong(secret)).status_code == 200
    assert not other.inside
    assert other.code(totp.code(secret, steps=1))["Location"] == "/admin/pages/"
    assert other.inside


def test_a_code_of_the_app_is_taken_once(protected):
    secret, _codes = protected
    code = totp.code(secret, steps=1)
    first, second = Person(), Person()
    first.password()
    assert first.code(code).status_code == 302
    second.password()
    assert second.code(f"{code[:3]} {code[3:]}").status_code == 200
    assert not second.inside


def test_each_recovery_code_works_once_and_they_are_shown_once(person, protected):
    _secret, codes = protected
    assert len(set(codes)) == 10
    again = person.get(f"{SECURITY}recovery-codes/").content.decode()
    assert not any(code in again for code in codes)
    assert person.get(f"{SECURITY}recovery-codes/download/").status_code == 404
    first, second = Person(), Person()
    first.password()
    assert first.code(codes[3]).status_code == 302
    assert first.inside
    second.password()
    assert second.code(codes[3]).status_code == 200
    assert second.code(codes[4]).status_code == 302
    assert "8 codes are left" in person.get(SECURITY).content.decode()


def test_secrets_of_factors_are_encrypted_where_they_lie(person, editor, settings):
    person.confirm()
    page = person.get(f"{SECURITY}app/add/").content.decode()
    secret = re.search(r'id="authenticator_secret">([A-Z2-7]{32})<', page)[1]
    assert secret not in json.dumps(dict(person.web.session))
    person.post(f"{SECURITY}app/add/", code=totp.code(secret))
    stored = {a.type: a.data for a in Authenticator.objects.all()}
    assert secret not in json.dumps(stored)
    assert decrypt(stored["totp"]["secret"]) == secret
    assert re.fullmatch(r"gAAAA[\w=-]+", stored["recovery_codes"]["seed"])
    kept = settings.SECRET_KEY
    settings.SECRET_KEY = "another" * 10
    with pytest.raises(FactorUnreadable):
        decrypt(stored["totp"]["secret"])
    settings.SECRET_KEY_FALLBACKS = [kept]
    assert decrypt(stored["totp"]["secret"]) == secret


def test_codes_cannot_be_guessed_at_leisure(protected):
    secret, codes = protected
    for number in range(guessing.OF_CODES):
        guesser = Person(f"192.0.2.{number}")
        guesser.password()
        assert guesser.code(totp.wrong(secret)).status_code == 200
    late = Person("198.51.100.7")
    late.password()
    for attempt in (totp.code(secret, steps=1), codes[0]):
        refused = late.code(attempt)
        assert refused.status_code == 429
        assert int(refused["Retry-After"]) == guessing.WINDOW_OF_CODES.total_seconds()
    assert not late.inside
    assert SignIn.objects.filter(result=Result.LIMITED).count() == 1
    # Who knows the password can keep the editor out no longer than a one-time link takes.
    path, _until = make_link(NAME)
    person = Person()
    assert person.post(path).status_code == 302
    assert person.inside
    guessing.FailedLogins.objects.update(since=timezone.now() - guessing.WINDOW_OF_CODES - dt.timedelta(seconds=1))
    late.password()
    assert late.code(codes[0]).status_code == 302


def test_neither_passkeys_nor_confirming_go_round_the_limits(protected, person):
    secret, _codes = protected
    for _attempt in range(guessing.OF_CODES):
        person.post(f"{SECURITY}confirm/code/", code=totp.wrong(secret))
    assert person.post(f"{SECURITY}confirm/code/", code=totp.code(secret, steps=1)).status_code == 429
    other = Person("2001:db8:7::1")
    credential = json.dumps({"id": "AA", "rawId": "AA", "type": "public-key", "response": {"userHandle": "MQ"}})
    for _attempt in range(guessing.OF_NETWORK):
        assert other.post("/admin/login/passkey/", credential=credential).status_code == 302
    assert other.post("/admin/login/passkey/", credential=credential).status_code == 429
    assert other.password().status_code == 429


@pytest.mark.parametrize(
    "credential",
    ["", "[]", "7", "null", "{}", '{"response": 3}', '{"id": 1, "rawId": [], "response": {"userHandle": {}}, "type": "x"}',
     '{"id":"AA","rawId":"AA","type":"public-key","response":{"userHandle":"MQ","clientDataJSON":"e30","authenticatorData":"AA","signature":"AA"}}'],
)  # fmt: skip
def test_a_malformed_passkey_is_refused_and_breaks_nothing(editor, credential):
    person = Person()
    assert person.get("/admin/login/passkey/").status_code == 302
    begun = person.web.get("/admin/login/passkey/", secure=True, headers={"accept": "application/json"})
    assert begun.json()["request_options"]["publicKey"]["userVerification"] == "required"
    assert person.post("/admin/login/passkey/", credential=credential)["Location"] == "/admin/login/"
    assert not person.inside


def test_changes_ask_again_who_it_is(person, editor):
    for path in ("app/add/", "keys/add/", "recovery-codes/new/"):
        answer = person.get(f"{SECURITY}{path}")
        assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, f"{SECURITY}confirm/")
        assert person.post(f"{SECURITY}{path}", code="000000").status_code == 302
    assert person.post(f"{SECURITY}confirm/", password="wrong").status_code == 200
    assert person.get(f"{SECURITY}app/add/").status_code == 302
    person.confirm()
    assert person.get(f"{SECURITY}app/add/").status_code == 200
    session = person.web.session
    session["account_authentication_methods"][-1]["at"] -= 301
    session.save()
    assert person.get(f"{SECURITY}app/add/").status_code == 302


def test_a_link_lets_in_without_the_factor_but_changes_no_factor(protected):
    path, _until = make_link(NAME)
    person = Person()
    assert person.post(path).status_code == 302
    assert person.inside
    assert person.get(f"{SECURITY}app/remove/").status_code == 302
    assert person.post(f"{SECURITY}app/remove/").status_code == 302
    assert Authenticator.objects.filter(type="totp").exists()


def test_a_lost_factor_is_taken_away_by_the_operator_and_that_is_recorded(protected, person):
    path, _until = make_link(NAME, reset=True)
    assert not Authenticator.objects.exists()
    assert not person.inside, "the sessions of whoever has the lost telephone end"
    back = Person()
    assert back.post(path).status_code == 302
    assert SignIn.objects.filter(result=Result.RESET, user_id=get_user_model().objects.get().pk).count() == 1
    assert Person().password()["Location"] == "/admin/"


def test_the_command_takes_it_away(protected, capsys):
    from webstreet.engine.__main__ import parser
    from webstreet.engine.commands import login_link

    options = parser().parse_args(["login-link", "--email", NAME, "--reset-second-factor"])
    login_link.run(options)
    assert "/-/login/" in capsys.readouterr().out
    assert not Authenticator.objects.exists()


def test_signing_out_elsewhere_ends_every_other_session(person):
    others = [Person(), Person()]
    for other in others:
        other.password()
    stranger = get_user_model().objects.create_superuser("b", "b@example.org", "x")
    beside = Person()
    beside.web.force_login(stranger)
    assert person.get(f"{SECURITY}sign-out-elsewhere/").status_code == 405
    answer = person.post(f"{SECURITY}sign-out-elsewhere/")
    assert "Signed out of 2 other places" in person.get(answer["Location"]).content.decode()
    assert person.inside
    assert beside.inside
    assert not any(other.inside for other in others)


def test_a_new_password_ends_the_other_sessions(person, editor):
    other = Person()
    other.password()
    panels = person.get("/admin/account/").context["panels_by_tab"].values()
    fields = [
        field for tab in panels for panel in tab for field in panel.get_form() if field.widget_type != "clearablefile"
    ]
    form = {field.html_name: str(field.value() or ("Maud" if "name" in field.name else "")) for field in fields}
    new = "eight other arms in all"
    form |= {"password-old_password": PASSWORD, "password-new_password1": new, "password-new_password2": new}
    answer = person.post("/admin/account/", **form)
    assert answer.status_code == 302
    assert person.inside
    assert not other.inside


def test_the_session_is_another_after_each_step(protected):
    secret, _codes = protected
    person = Person()
    person.get("/admin/login/")
    person.password()
    before = person.web.session.session_key
    person.code(totp.code(secret, steps=1))
    assert person.web.session.session_key != before
    plain = Person()
    session = plain.web.session
    session["planted"] = "by a stranger"
    session.save()
    plain.web.cookies[django_settings.SESSION_COOKIE_NAME] = fixed = session.session_key
    Authenticator.objects.all().delete()
    plain.password()
    assert plain.inside
    assert plain.web.session.session_key != fixed


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "https:evil.example",
        "\t//evil.example",
    ],
)
def test_no_way_in_leads_elsewhere(protected, editor, target):
    _secret, codes = protected
    person = Person()
    person.get(f"/admin/login/?next={target}")
    person.password(next=target)
    assert person.code(codes[0])["Location"] == "/admin/"
    for path in (f"{SECURITY}confirm/", "/admin/login/"):
        answer = person.web.post(
            f"{path}?next={target}", {"password": PASSWORD, "username": NAME, "next": target}, secure=True
        )
        assert "evil" not in answer.get("Location", "")
        assert "javascript" not in answer.get("Location", "")


def test_every_form_needs_its_token(editor):
    web = Client(headers=HOST, enforce_csrf_checks=True)
    for path in ("/admin/login/", "/admin/login/passkey/"):
        assert web.post(path, {"username": NAME, "password": PASSWORD}, secure=True).status_code == 403
    web.force_login(editor)
    for name in ("app/add/", "keys/add/", "recovery-codes/new/", "confirm/", "sign-out-elsewhere/"):
        assert web.post(SECURITY + name, secure=True).status_code == 403, name


@pytest.mark.parametrize(
    "path",
    [
        "signup/",
        "password/reset/",
        "password/change/",
        "email/",
        "confirm-email/",
        "login/code/request/",
        "2fa/",
        "trust/",
    ],
)
def test_nothing_else_of_allauth_can_be_reached(person, path):
    for before in ("/admin/", "/accounts/", "/admin/account/", "/admin/account/security/", "/admin/login/", "/"):
        assert person.get(before + path).status_code == 404, before + path
    assert mail.outbox == []


class TestPolicy:
    def test_who_must_have_a_factor_sees_nothing_else_before(self, person, editor):
        SecuritySettings.objects.update_or_create(defaults={"second_factor": FactorAsked.ADMINISTRATORS})
        for path in ("/admin/", "/admin/pages/", "/admin/account/", "/admin/users/"):
            assert person.get(path)["Location"] == SECURITY
        assert "needs a second factor" in person.get(SECURITY).content.decode()
        person.add_app()
        assert person.inside

    def test_editors_only_if_everyone(self, editor):
        group = Group.objects.create(name="Writers")
        group.permissions.add(Permission.objects.get(codename="access_admin"))
        writer = get_user_model().objects.create_user("w", "w@example.org", "x")
        writer.groups.add(group)
        person = Person()
        person.web.force_login(writer)
        row, _made = SecuritySettings.objects.update_or_create(defaults={"second_factor": FactorAsked.ADMINISTRATORS})
        assert person.inside
        row.second_factor = FactorAsked.EVERYONE
        row.save()
        assert person.get("/admin/")["Location"] == SECURITY

    def test_it_is_set_in_the_admin(self, person):
        path = reverse("wagtailsettings:edit", args=["engine_accounts", "securitysettings"])
        person.post(person.get(path)["Location"] if person.get(path).status_code == 302 else path,
                    second_factor="everyone", keep_days="30", upload_mb="20")  # fmt: skip
        assert SecuritySettings.load().keep_days == 30
        assert person.get("/admin/")["Location"] == SECURITY


class TestRecord:
    def test_what_is_written_down(self, protected, person):
        secret, _codes = protected
        SignIn.objects.all().delete()
        other = Person("198.51.100.9")
        other.password("wrong")
        other.password()
        other.code(totp.wrong(secret))
        other.code(totp.code(secret, steps=1))
        other.post("/admin/logout/")
        user = get_user_model().objects.get().pk
        assert list(SignIn.objects.order_by("pk").values_list("user_id", "result", "method", "network")) == [
            (user, Result.REFUSED, Method.PASSWORD, "198.51.100.9"),
            (user, Result.REFUSED, Method.TOTP, "198.51.100.9"),
            (user, Result.SIGNED_IN, Method.TOTP, "198.51.100.9"),
            (user, Result.SIGNED_OUT, "", "198.51.100.9"),
        ]

    def test_changes_of_factors_are_written_down(self, person, django_capture_on_commit_callbacks):
        SignIn.objects.all().delete()
        with django_capture_on_commit_callbacks(execute=True):
            person.add_app()
            person.post(f"{SECURITY}recovery-codes/new/")
            person.post(f"{SECURITY}app/remove/")
        assert list(SignIn.objects.order_by("pk").values_list("result", "method")) == [
            (Result.FACTOR_REMOVED, Method.TOTP),
            (Result.FACTOR_ADDED, Method.TOTP),
            (Result.CODES_MADE, ""),
            (Result.CODES_MADE, ""),
        ]

    def test_nothing_is_kept_of_an_unknown_name(self, editor, caplog):
        Person("198.51.100.9").post("/admin/login/", username="canary@example.net", password=PASSWORD)
        assert list(SignIn.objects.values_list("user_id", "network")) == [(None, "")]
        assert "canary" not in caplog.text

    def test_who_only_reads_leaves_no_address(self, editor):
        reader = get_user_model().objects.create_user("reader", "reader@example.net", PASSWORD)
        Person("198.51.100.9").post("/admin/login/", username="reader", password=PASSWORD)
        row = SignIn.objects.get()
        assert (row.user_id, row.network) == (reader.pk, "")

    def test_a_line_of_the_log_has_ids_only(self, person, caplog):
        with caplog.at_level("INFO"):
            Person("198.51.100.9").password()
        lines = [r for r in caplog.records if r.getMessage() == "login.signed_in"]
        assert len(lines) == 1
        assert lines[0].user_id == get_user_model().objects.get().pk
        assert NAME not in str(vars(lines[0]))
        assert "198.51" not in str(vars(lines[0]))

    def test_it_is_forgotten_when_the_site_says(self, editor):
        for days in (1, 29, 31):
            SignIn.objects.create(
                user_id=editor.pk, result=Result.SIGNED_IN, at=timezone.now() - dt.timedelta(days=days)
            )
        SecuritySettings.objects.update_or_create(defaults={"keep_days": 30})
        assert forget_old() == 1
        assert SignIn.objects.count() == 2

    def test_the_report_filters_and_exports(self, person, editor):
        Person("198.51.100.9").password("wrong")
        Person("198.51.100.9").post("/admin/login/", username="nobody", password="x")
        SignIn.objects.create(user_id=999_999, result=Result.SIGNED_IN)
        page = person.get("/admin/reports/sign-ins/").content.decode()
        for shown in (NAME, "198.51.100.9", "Unknown name", "Account 999999, deleted"):
            assert shown in page
        only = person.get("/admin/reports/sign-ins/?result=refused&person=MAUD").content.decode()
        assert "198.51.100.9" in only
        assert "Unknown name" not in only
        sheet = person.get("/admin/reports/sign-ins/?export=csv")
        lines = b"".join(sheet.streaming_content).decode().splitlines()
        assert lines[0] == "When,Person,Result,By,Network address"
        assert len(lines) == 1 + SignIn.objects.count()
        assert any(NAME in line and "Refused" in line and "Password" in line for line in lines)

    def test_only_who_may_change_users_sees_it(self, editor):
        group = Group.objects.create(name="Writers")
        group.permissions.add(Permission.objects.get(codename="access_admin"))
        writer = get_user_model().objects.create_user("w", "w@example.org", "x")
        writer.groups.add(group)
        person = Person()
        person.web.force_login(writer)
        assert person.get("/admin/reports/sign-ins/").status_code == 302
        assert "sign-ins" not in person.get("/admin/").content.decode()


def test_what_is_said_here_is_true_of_a_real_site(site_processes):
    """The command, as an operator types it."""
    site = site_processes()
    site.documents("prepare")
    done = site.run("login-link", "--create", "--email", NAME, "--reset-second-factor")
    assert "/-/login/" in done.stdout
    ask = "from webstreet.engine.accounts.models import SignIn; print(*SignIn.objects.values_list('result', flat=True))"
    assert site.python(ask) == "reset"


@pytest.mark.parametrize("language", ["en", "fr"])
def test_its_pages_are_valid_markup(person, language):
    """The part of looking at pages that needs no browser."""
    from tests.browser.markup import faults

    person.web.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    pages = {"confirm": person.get(f"{SECURITY}confirm/")}
    person.add_app(with_codes=False)
    for name in ("recovery-codes/", "recovery-codes/new/", "", "app/remove/", "keys/add/", "confirm/code/"):
        pages[name] = person.get(SECURITY + name)
    other = Person()
    other.web.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    pages["door"] = other.get("/admin/login/")
    other.password()
    pages["code"] = other.get("/admin/login/code/")
    wrong = {name: faults(page.content.decode()) for name, page in pages.items()}
    assert {name: found for name, found in wrong.items() if found} == {}
    assert [name for name, page in pages.items() if f'lang="{language}"' not in page.content.decode()] == []
    assert [name for name, page in pages.items() if page.status_code != 200] == []
