"""Passkeys at the site's admin, by a device in software that signs with real keys: what is let in, and everything that is not."""

from __future__ import annotations

import json
import re

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user_model
from django.test import Client

from tests import totp
from tests.passkey import Device
from webstreet.engine.accounts.models import Method, Result, SignIn

pytestmark = pytest.mark.django_db(databases=["default", "newsletter"])
NAME, PASSWORD = "maud@example.org", "seven tentacles and one"
HOST, ORIGIN = {"host": "blog.example.com"}, "https://blog.example.com"
SECURITY, LOGIN = "/admin/account/security/", "/admin/login/passkey/"


@pytest.fixture(autouse=True)
def quick_hash(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def editor():
    return get_user_model().objects.create_superuser(NAME, NAME, PASSWORD)


def options(page: str) -> dict:
    found = json.loads(re.search(r'<script id="js_data" type="application/json">(.*?)</script>', page, re.S)[1])
    return next(iter(found.values()))


def by_password(**more: str) -> tuple[Client, str]:
    web = Client(headers=HOST)
    answer = web.post("/admin/login/", {"username": NAME, "password": PASSWORD, **more}, secure=True)
    return web, answer.get("Location", "")


def added(device: Device) -> Client:
    """A browser that is signed in by password, and has just added the device's passkey."""
    web, _where = by_password()
    web.post(f"{SECURITY}confirm/", {"password": PASSWORD}, secure=True)
    asked = options(web.get(f"{SECURITY}keys/add/", secure=True).content.decode())
    form = {"name": "Blue key", "passwordless": "on", "credential": json.dumps(device.create(asked))}
    web.last = web.post(f"{SECURITY}keys/add/", form, secure=True)
    return web


def begin(web: Client) -> dict:
    return web.get(LOGIN, secure=True, headers={"accept": "application/json"}).json()["request_options"]


def by_passkey(device: Device, web: Client | None = None, **more: str) -> Client:
    web = web or Client(headers=HOST)
    web.last = web.post(LOGIN, {"credential": json.dumps(device.get(begin(web))), **more}, secure=True)
    return web


def inside(web: Client) -> bool:
    return web.get("/admin/", secure=True).status_code == 200


def test_a_passkey_alone_opens_the_door(editor):
    device = Device(ORIGIN)
    web = added(device)
    assert web.last["Location"] == f"{SECURITY}recovery-codes/"
    page = web.get(SECURITY, secure=True).content.decode()
    assert "Blue key" in page
    assert "signs in without a password" in page
    person = by_passkey(device, next="/admin/pages/")
    assert person.last["Location"] == "/admin/pages/"
    assert inside(person)
    last = SignIn.objects.filter(result=Result.SIGNED_IN).order_by("-pk").first()
    assert (last.user_id, last.method) == (editor.pk, Method.WEBAUTHN)


def test_beside_a_password_it_is_the_second_factor(editor):
    device = Device(ORIGIN)
    added(device)
    web, where = by_password(next="/admin/pages/")
    assert where == "/admin/login/code/"
    assert not inside(web)
    asked = options(web.get(where, secure=True).content.decode())
    answer = web.post(where, {"credential": json.dumps(device.get(asked))}, secure=True)
    assert answer["Location"] == "/admin/pages/"
    assert inside(web)


def test_it_confirms_changes(editor):
    device = Device(ORIGIN)
    added(device)
    web = by_passkey(device)
    assert web.get(f"{SECURITY}keys/add/", secure=True).status_code == 302
    asked = options(web.get(f"{SECURITY}confirm/key/", secure=True).content.decode())
    web.post(f"{SECURITY}confirm/key/", {"credential": json.dumps(device.get(asked))}, secure=True)
    key = Authenticator.objects.get(type="webauthn")
    assert web.post(f"{SECURITY}keys/{key.pk}/rename/", {"name": "Red key"}, secure=True).status_code == 302
    assert "Red key" in web.get(SECURITY, secure=True).content.decode()
    assert web.post(f"{SECURITY}keys/{key.pk}/remove/", secure=True).status_code == 302
    assert not Authenticator.objects.exists(), "recovery codes go with the last factor"
    assert not inside(by_passkey(device))


def test_nobody_changes_the_keys_of_another(editor):
    device = Device(ORIGIN)
    added(device)
    key = Authenticator.objects.get(type="webauthn")
    get_user_model().objects.create_superuser("other", "other@example.org", PASSWORD)
    web = Client(headers=HOST)
    web.post("/admin/login/", {"username": "other", "password": PASSWORD}, secure=True)
    web.post(f"{SECURITY}confirm/", {"password": PASSWORD}, secure=True)
    for verb in ("rename", "remove"):
        assert web.post(f"{SECURITY}keys/{key.pk}/{verb}/", {"name": "x"}, secure=True).status_code == 404


class TestRefused:
    def test_of_another_address(self, editor):
        device = Device(ORIGIN)
        added(device)
        device.origin = "https://evil.example"
        assert not inside(by_passkey(device))

    def test_added_at_another_address(self, editor):
        added(Device("https://evil.example"))
        assert not Authenticator.objects.exists()

    def test_without_a_fingerprint_or_pin(self, editor):
        device = Device(ORIGIN)
        added(device)
        device.verified = False
        assert not inside(by_passkey(device))

    def test_signed_by_another_key(self, editor):
        device, other = Device(ORIGIN), Device(ORIGIN)
        added(device)
        device.key = other.key
        assert not inside(by_passkey(device))

    def test_used_a_second_time(self, editor):
        device = Device(ORIGIN)
        added(device)
        web = Client(headers=HOST)
        answer = json.dumps(device.get(begin(web)))
        assert web.post(LOGIN, {"credential": answer}, secure=True)["Location"] == "/admin/"
        for late in (web, Client(headers=HOST)):
            late.logout()
            begin(late)
            late.post(LOGIN, {"credential": answer}, secure=True)
            assert not inside(late)

    def test_of_an_account_that_is_switched_off(self, editor):
        device = Device(ORIGIN)
        added(device)
        get_user_model().objects.update(is_active=False)
        assert by_passkey(device).last["Location"] == "/admin/login/"
        assert not SignIn.objects.filter(method=Method.WEBAUTHN, result=Result.SIGNED_IN).exists()

    def test_of_another_user(self, editor):
        device = Device(ORIGIN)
        added(device)
        other = get_user_model().objects.create_superuser("other", "other@example.org", PASSWORD)
        from fido2.utils import websafe_encode

        device.user = websafe_encode(str(other.pk).encode())
        assert not inside(by_passkey(device))


@pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
def test_a_new_app_ends_the_sessions_that_began_without_it(editor):
    (web, _where), (other, _where) = by_password(), by_password()
    beside = Client(headers=HOST)
    beside.force_login(get_user_model().objects.create_superuser("b", "b@example.org", "x"))
    web.post(f"{SECURITY}confirm/", {"password": PASSWORD}, secure=True)
    page = web.get(f"{SECURITY}app/add/", secure=True).content.decode()
    secret = re.search(r'id="authenticator_secret">([A-Z2-7]{32})<', page)[1]
    web.post(f"{SECURITY}app/add/", {"code": totp.code(secret)}, secure=True)
    assert "Signed out of one other place" in web.get(SECURITY, secure=True).content.decode()
    assert [inside(one) for one in (web, beside, other)] == [True, True, False]


def test_a_new_passkey_ends_the_sessions_that_began_without_it(editor, django_capture_on_commit_callbacks):
    other, _where = by_password()
    assert inside(other)
    with django_capture_on_commit_callbacks(execute=True):
        web = added(Device(ORIGIN))
    assert inside(web)
    assert not inside(other)
