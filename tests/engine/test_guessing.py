"""Passwords cannot be guessed at leisure, and no password is mailed."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.test import Client
from django.utils import timezone

from webstreet.engine import guessing
from webstreet.engine.guessing import OF_ACCOUNT, OF_NETWORK, WINDOW, FailedLogins
from webstreet.engine.login import make_link

pytestmark = pytest.mark.django_db(databases=["default", "newsletter"])
PASSWORD = "seven tentacles and one"
WRONG = "seven tentacles"
NAME = "maud@example.org"
HOST = {"host": "blog.example.com"}


@pytest.fixture(autouse=True)
def quick_hash(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def editor():
    return get_user_model().objects.create_superuser(NAME, NAME, PASSWORD)


def attempt(name: str = NAME, password: str = WRONG, *, peer: str = "192.0.2.1"):
    """Each from a new browser: what limits must not be the visitor's cookie."""
    form = {"username": name, "password": password}
    return Client(headers=HOST).post("/admin/login/", form, secure=True, REMOTE_ADDR=peer)


def test_an_account_is_closed_to_passwords_after_ten_failures_from_wherever(editor):
    for number in range(OF_ACCOUNT):
        assert attempt(peer=f"192.0.2.{number}").status_code == 200
    refused = attempt(f" {NAME.upper()}", PASSWORD, peer="198.51.100.1")
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) == WINDOW.total_seconds()
    assert refused["Cache-Control"] == "no-store"
    page = refused.content.decode()
    assert "Too many attempts" in page
    assert "one-time link" in page
    assert attempt("somebody.else@example.org", peer="198.51.100.1").status_code == 200


def test_a_one_time_link_still_lets_the_editor_in(editor):
    for _ in range(OF_ACCOUNT):
        attempt()
    path, _ = make_link(NAME)
    assert Client(headers=HOST).post(path, secure=True).status_code == 302


def test_a_network_is_closed_after_fifty_failures_for_whomever(editor):
    for number in range(OF_NETWORK):
        assert attempt(f"nobody-{number}", peer=f"2001:db8:0:7::{number:x}").status_code == 200
    assert attempt(NAME, PASSWORD, peer="2001:db8:0:7:ffff::1").status_code == 429
    assert attempt(NAME, PASSWORD, peer="2001:db8:0:8::1").status_code == 302


def test_a_success_clears_the_account_but_not_the_network(editor):
    for _ in range(OF_ACCOUNT - 1):
        attempt()
    assert attempt(password=PASSWORD).status_code == 302
    assert FailedLogins.objects.get().count == OF_ACCOUNT - 1
    assert attempt().status_code == 200
    assert attempt(password=PASSWORD).status_code == 302


def test_it_is_over_after_the_window(editor):
    for _ in range(OF_ACCOUNT):
        attempt()
    FailedLogins.objects.update(since=timezone.now() - WINDOW - dt.timedelta(seconds=1))
    assert attempt().status_code == 200
    assert set(FailedLogins.objects.values_list("count", flat=True)) == {1}
    FailedLogins.objects.update(since=timezone.now() - guessing.WINDOW_OF_CODES)
    guessing.forget_old()
    assert not FailedLogins.objects.exists()


def test_the_counts_say_nobodys_name_or_address(editor):
    attempt()
    kept = str(list(FailedLogins.objects.values_list()))
    assert FailedLogins.objects.count() == 2
    assert "maud" not in kept
    assert "192.0.2.1" not in kept


def test_there_is_one_page_that_takes_passwords_of_accounts(editor):
    """Wagtail's own for readers knows neither limits beyond ours nor a second factor: it leads to ours."""
    web = Client(headers=HOST)
    form = {"username": NAME, "password": PASSWORD}
    answer = web.post("/_util/login/?next=/secret/", form, secure=True)
    assert (answer.status_code, answer["Location"]) == (302, "/admin/login/?next=%2Fsecret%2F")
    assert "_auth_user_id" not in web.session


def test_no_password_is_mailed(editor):
    web = Client(headers=HOST)
    assert web.post("/admin/password_reset/", {"email": NAME}, secure=True).status_code == 404
    assert mail.outbox == []
    assert "password_reset" not in web.get("/admin/login/", secure=True).content.decode()
