"""Wagtail's own mails to editors: sent, limited, and no reason for a page to fail."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.mail import EmailMessage, get_connection
from django.test import Client
from wagtail.models import Page, Workflow

from webstreet.engine import notices
from webstreet.engine.guessing import FailedLogins
from webstreet.mail.url import EmailUrl
from webstreet.testing.smtp import Behaviour, RecordingSmtpServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def mails(settings):
    """pytest-django puts Django's outbox in the place of the back-end that sites have."""
    settings.EMAIL_BACKEND = "webstreet.engine.notices.Notices"
    with RecordingSmtpServer() as server:
        settings.EMAIL_SERVERS = EmailUrl.parse_all(server.url)
        yield server


def send(address: str) -> int:
    return get_connection().send_messages([EmailMessage("Waiting", "For you", "site@example.org", [address])])


def submit_for_approval() -> Page:
    """What an editor does who may not publish; moderators are told by mail."""
    workflow = Workflow.objects.get()
    for number in range(2):
        chief = get_user_model().objects.create_user(f"chief{number}", f"chief{number}@example.org", "x")
        chief.groups.add(Group.objects.get(name="Moderators"))
    editor = get_user_model().objects.create_superuser("editor", "editor@example.org", "x")
    page = Page.objects.filter(depth=2).first().specific
    page.save_revision(user=editor)
    web = Client(HTTP_HOST="blog.example.com")
    web.force_login(editor)
    form = {"title": page.title, "slug": page.slug, "action-submit": "1"}
    answer = web.post(f"/admin/pages/{page.pk}/edit/", form | _empty(web, page))
    assert answer.status_code == 302, answer.content.decode()[:2000]
    assert page.workflow_states.filter(workflow=workflow).exists()
    return page


def _empty(web: Client, page: Page) -> dict[str, str]:
    """The rest of the edit form as the browser would send it back."""
    html = web.get(f"/admin/pages/{page.pk}/edit/").content.decode()
    found = {}
    for tag in re.findall(r"<input[^>]*>", html):
        name, value = re.search(r' name="([^"]+)"', tag), re.search(r' value="([^"]*)"', tag)
        if name and 'type="hidden"' in tag:
            found[name[1]] = value[1] if value else ""
    return found


def test_one_address_gets_so_many_an_hour_and_the_site_sends_so_many(mails, monkeypatch):
    monkeypatch.setattr(notices, "TO_ONE", 3)
    monkeypatch.setattr(notices, "OF_SITE", 5)
    assert [send("Chief@example.org") for _ in range(4)] == [1, 1, 1, 0]
    assert [send(f"{n}@example.org") for n in range(4)] == [1, 1, 0, 0]
    assert len(mails.messages) == 5
    assert not any("example" in row.key for row in FailedLogins.objects.all()), "addresses are kept as hashes"


def test_a_mail_server_that_is_away_costs_no_page(settings, mails, caplog):
    # Wagtail's own forgiveness ends at refused connections; this one speaks no TLS.
    settings.EMAIL_SERVERS = EmailUrl.parse_all(mails.url.replace("smtp:", "smtps:"))
    submit_for_approval()
    assert "notice.unsent" in caplog.text
    assert "chief0@example.org" not in caplog.text


def test_who_approves_is_told(mails):
    submit_for_approval()
    assert {"chief0@example.org", "chief1@example.org"} <= {mail.recipients[0] for mail in mails.messages}


def test_another_server_is_used_when_the_first_is_away_or_refuses_the_login(settings, mails, caplog):
    with RecordingSmtpServer(Behaviour(users={"ada": "right"})) as picky:
        refused = f"smtp://ada:hunter2@127.0.0.1:{picky.port}"
        settings.EMAIL_SERVERS = EmailUrl.parse_all(f"smtp://127.0.0.1:9 {refused} {mails.url}?order=2")
        assert [send(f"{n}@example.org") for n in range(3)] == [1, 1, 1]
        assert (len(mails.messages), len(picky.messages)) == (3, 0)
        assert sum(command.startswith("AUTH") for command in picky.commands) <= 2, (
            "who failed is not asked for each mail"
        )
    assert "notice.unsent" not in caplog.text
    assert "hunter2" not in caplog.text
