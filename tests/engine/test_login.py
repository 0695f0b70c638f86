"""One-time links into the admin."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from webstreet.engine.login import LoginToken, make_link
from webstreet.kernel.errors import BadInput, NotFound

pytestmark = pytest.mark.django_db(databases=["default", "newsletter"])
HOST = {"host": "blog.example.com"}


def _signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_a_scanner_that_fetches_the_link_does_not_use_it_up():
    path, expires_at = make_link("editor@example.org", "/admin/pages/", create=True)
    assert dt.timedelta(minutes=9) < expires_at - timezone.now() <= dt.timedelta(minutes=10)
    scanner, person = Client(headers=HOST), Client(headers=HOST)
    for _ in range(3):
        page = scanner.get(path)
        assert page.status_code == 200
        assert "no-store" in page["Cache-Control"]
    assert scanner.head(path).status_code == 200
    assert not _signed_in(scanner)
    response = person.post(path)
    assert (response.status_code, response["Location"]) == (302, "/admin/pages/")
    assert _signed_in(person)


@pytest.mark.parametrize("state", ["valid", "used"])
def test_its_page_is_one_of_the_sites_messages(state):
    path = make_link()[0] if state == "valid" else "/-/login/unknown/"
    page = Client(headers=HOST).get(path).content.decode()
    assert '<div class="frame">\n<div class="message">' in page
    assert 'class="button"' in page
    assert 'name="email"' not in page, "no form of the newsletter beside it"


def test_it_works_once():
    path, _ = make_link()
    assert Client(headers=HOST).post(path).status_code == 302
    second = Client(headers=HOST)
    assert second.post(path).status_code == 410
    assert second.get(path).status_code == 410
    assert not _signed_in(second)


def test_it_expires():
    path, _ = make_link()
    LoginToken.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    client = Client(headers=HOST)
    assert client.post(path).status_code == 410
    assert not _signed_in(client)


def test_only_a_hash_is_kept():
    path, _ = make_link()
    token = path.rstrip("/").rpartition("/")[2]
    assert token not in str(list(LoginToken.objects.values_list()))


def test_a_forged_form_is_refused():
    path, _ = make_link()
    client = Client(headers=HOST, enforce_csrf_checks=True)
    assert client.post(path).status_code == 403
    assert LoginToken.objects.get().used_at is None


def test_the_account_is_made_once_and_its_rights_are_kept():
    users = get_user_model().objects
    with pytest.raises(NotFound) as caught:
        make_link("New.Editor@example.org")
    assert caught.value.error_code == "editor.missing"
    assert "--create" in str(caught.value)
    assert not users.exists()
    make_link("New.Editor@example.org", create=True)
    assert users.get(email__iexact="new.editor@example.org").is_superuser
    users.update(is_superuser=False)
    make_link("new.editor@example.org")
    assert users.count() == 1
    assert not users.get().is_superuser


@pytest.mark.parametrize("next_path", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "admin/"])
def test_it_leads_nowhere_else(next_path):
    with pytest.raises(BadInput) as caught:
        make_link("", next_path)
    assert caught.value.error_code == "login.next_invalid"


def test_an_address_that_is_none_is_refused():
    with pytest.raises(BadInput) as caught:
        make_link("not an address")
    assert caught.value.error_code == "login.email_invalid"
    assert not get_user_model().objects.exists()


def test_an_account_that_is_switched_off_gets_no_link():
    make_link("a@example.org", create=True)
    get_user_model().objects.update(is_active=False)
    with pytest.raises(BadInput) as caught:
        make_link("a@example.org")
    assert caught.value.error_code == "login.inactive"
