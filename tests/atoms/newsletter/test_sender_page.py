"""The page *Sender* of the admin: what to set in DNS, what is there, and what an editor may do."""

from __future__ import annotations

import html
import re
import uuid
from collections.abc import Iterator

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.utils import timezone

from webstreet.atoms.newsletter import identity
from webstreet.atoms.newsletter.models import Change, Issue, MailingList, SigningKey
from webstreet.testing.dns import DnsServer

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
DOMAIN = "blog.example.com"
PAGE = "/admin/newsletter/sender/"


def client(user) -> Client:
    found = Client(HTTP_HOST=DOMAIN)
    found.force_login(user)
    return found


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[DnsServer]:
    with DnsServer() as server:
        monkeypatch.setenv("DNS_SERVERS", server.address)
        yield server


def shown(editor: Client, path: str = PAGE, **more: str) -> str:
    answer = editor.get(path, **more)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def test_a_site_without_keys_says_what_that_means_and_what_to_do(editor):
    page = shown(editor)
    assert "there is no key for this domain yet" in page
    assert "Make keys" in page
    assert f"_dmarc.{DOMAIN}" in page
    assert "there is no key for this domain yet" in shown(editor, "/admin/"), "the first page says so too"


def test_keys_are_made_shown_looked_up_and_sign(editor, dns, drain):
    editor.post(f"{PAGE}keys/")
    keys = {key.algorithm: key for key in SigningKey.objects.all()}
    page = shown(editor)
    for key in keys.values():
        assert key.name in page
        assert key.record in page
        assert key.sealed not in page
        assert key.private.reveal().splitlines()[1] not in page
        dns.records[key.name] = [key.record]
    pieces = re.findall(r'"([^"\s][^"]{40,255})"', page[page.index("nl-pieces") :])
    assert "".join(pieces[:2]) == keys["rsa-sha256"].record
    assert "Being looked up" in page
    dns.records[keys["rsa-sha256"].name] = [keys["rsa-sha256"].record[:255]]
    drain()
    page = shown(editor)
    assert "The key was cut off" in page
    assert "There is no such record. The one shown here is a beginning" in page
    assert "data-settled" in page
    dns.records[keys["rsa-sha256"].name] = [keys["rsa-sha256"].record]
    dns.records |= {DOMAIN: ["v=spf1 mx -all"], f"_dmarc.{DOMAIN}": ["v=DMARC1; p=none"]}
    editor.post(f"{PAGE}look/")
    assert "data-settled" not in shown(editor, f"{PAGE}status/")
    drain()
    page = shown(editor)
    assert "Mails are signed." in page
    assert "Not found" not in page
    assert "Replace keys" in page
    assert "Look at the sender" not in shown(editor, "/admin/")
    assert set(Change.objects.filter(noun="signingkey").values_list("verb", flat=True)) == {"created"}


def test_an_editor_declares_and_discards(editor, dns):
    editor.post(f"{PAGE}keys/")
    assert "New keys wait for their records already" in html.unescape(
        editor.post(f"{PAGE}keys/", follow=True).content.decode()
    )
    first, second = SigningKey.objects.order_by("pk")
    assert "the key signs as if" in editor.post(f"{PAGE}keys/{first.pk}/declare/", follow=True).content.decode()
    editor.post(f"{PAGE}keys/{second.pk}/discard/")
    assert {key.pk: str(key.state) for key in SigningKey.objects.all()} == {first.pk: "signing", second.pk: "removed"}
    assert editor.post(f"{PAGE}keys/999/discard/").status_code == 404
    assert editor.get(f"{PAGE}keys/").status_code == 405


def test_who_may_not_see_it_does_not(editor):
    group = Group.objects.create(name="Readers of issues")
    group.permissions.add(
        Permission.objects.get(codename="access_admin"),
        Permission.objects.get(codename="view_issue", content_type__app_label="newsletter"),
    )
    user = get_user_model().objects.create_user("other", "other@example.com", "x")
    user.groups.add(group)
    other = client(user)
    for answer in (other.get(PAGE), other.post(f"{PAGE}keys/"), other.post(f"{PAGE}look/")):
        assert answer.status_code in (302, 403)
    assert not SigningKey.objects.exists()
    assert "there is no key for this domain yet" not in shown(other, "/admin/")
    group.permissions.add(Permission.objects.get(codename="view_signingkey", content_type__app_label="newsletter"))
    other = client(get_user_model().objects.get(pk=user.pk))
    assert "Make keys" not in shown(other), "seeing is not changing"


def test_a_lost_secret_is_said(editor, settings):
    for key in identity.make_keys(DOMAIN, ["rsa-sha256"], by=None):
        identity.declare(key, by=None)
    user = get_user_model().objects.get(username="editor")
    settings.SECRET_KEY = "another" * 10
    page = shown(client(user))
    assert "SECRET_KEY was changed" in page
    assert "Cannot be read" in page
    assert "Replace keys" in page


def test_an_issue_that_paused_for_its_keys_says_so(editor):
    issue = Issue.objects.create(
        article_uuid=uuid.uuid4(),
        mailing_list=MailingList.main(),
        started_at=timezone.now(),
        paused_at=timezone.now(),
        trouble="dkim.key_unreadable",
    )
    assert "Make new keys under Newsletter, Sender" in shown(editor, f"/admin/newsletter/issues/{issue.pk}/")


def test_a_domain_too_long_for_a_key_is_refused(editor, parameters):
    parameters(sender_address=f"a@{'x' * 60}.{'y' * 60}.{'z' * 60}.{'w' * 50}.example")
    answer = editor.post(f"{PAGE}keys/", follow=True)
    assert "too long for a key" in answer.content.decode()
    assert not SigningKey.objects.exists()


def test_a_site_whose_server_signs(editor, parameters):
    parameters(dkim="off")
    page = shown(editor)
    assert "its parameter dkim says" in page
    assert "Make keys" not in page
