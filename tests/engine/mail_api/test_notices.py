"""Wagtail's own mails to editors, where the site has no mail server but the API of a provider."""

from __future__ import annotations

import contextlib

import pytest
from django.core.mail import EmailMessage, get_connection

from webstreet.engine.notices import Notices
from webstreet.mail.url import EmailUrl
from webstreet.testing.mail_api import ApiBehaviour, RecordingMailApi
from webstreet.testing.smtp import RecordingSmtpServer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nobody_failed(monkeypatch) -> None:
    monkeypatch.setattr(Notices, "_failed_at", {})


def several(count: int) -> int:
    """As Wagtail tells moderators: each by a mail, over one connection."""
    with contextlib.closing(get_connection()) as connection:
        connection.open()
        mails = [EmailMessage("En attente", "x", "site@example.org", [f"m{i}@example.org"]) for i in range(count)]
        return sum(connection.send_messages([mail]) for mail in mails)


def send(*addresses: str) -> int:
    return get_connection().send_messages(
        [EmailMessage("En attente", "Pour vous", "site@example.org", list(addresses))]
    )


@pytest.mark.parametrize("provider", ["mailgun", "postmark"])
def test_notices_go_over_the_api_and_never_break_a_page(settings, caplog, provider) -> None:
    settings.EMAIL_BACKEND = "webstreet.engine.notices.Notices"
    with RecordingMailApi(provider) as api:
        settings.EMAIL_SERVERS = EmailUrl.parse_all(api.url)
        assert send("ada@example.org", "bob@example.org") == 1
        assert [(mail.recipient, mail.to, mail.text.strip()) for mail in api.mails] == [
            (address, address, "Pour vous") for address in ("ada@example.org", "bob@example.org")
        ]
        api.behaviour = ApiBehaviour(status=401)
        assert send("ada@example.org") == 0
        assert [record.getMessage() for record in caplog.records] == ["notice.unsent"]


def test_a_server_before_the_api(settings) -> None:
    settings.EMAIL_BACKEND = "webstreet.engine.notices.Notices"
    with RecordingMailApi("postmark") as api, RecordingSmtpServer() as smtp:
        settings.EMAIL_SERVERS = EmailUrl.parse_all(f"{api.url}&order=2 {smtp.url}")
        assert send("ada@example.org") == 1
        assert (len(smtp.messages), len(api.mails)) == (1, 0)


@pytest.mark.parametrize("behaviour", [ApiBehaviour(status=503), ApiBehaviour(status=401)])
def test_a_server_stands_in_for_an_api_that_takes_nothing(settings, caplog, behaviour) -> None:
    settings.EMAIL_BACKEND = "webstreet.engine.notices.Notices"
    with RecordingMailApi("postmark", behaviour) as api, RecordingSmtpServer() as smtp:
        settings.EMAIL_SERVERS = EmailUrl.parse_all(f"{api.url} {smtp.url}?order=2")
        assert several(3) == 3
        assert (len(smtp.messages), len(api.calls)) == (3, 1), "the second mail does not try it again"
        assert several(1) == 1
        assert len(api.calls) == 1, "nor does the next page, for a while"
    assert not caplog.records


def test_an_api_that_says_nothing_is_waited_for_once_and_no_notice_goes_twice(settings, caplog) -> None:
    settings.EMAIL_BACKEND = "webstreet.engine.notices.Notices"
    settings.EMAIL_TIMEOUT = 0.5
    with RecordingMailApi("postmark", ApiBehaviour(silent=True)) as api, RecordingSmtpServer() as smtp:
        settings.EMAIL_SERVERS = EmailUrl.parse_all(f"{api.url} {smtp.url}?order=2")
        assert several(5) == 0
        assert (len(api.calls), len(smtp.messages)) == (1, 0)
    assert [record.getMessage() for record in caplog.records] == ["notice.unsent"]


def test_an_api_that_is_away_is_asked_once(settings, caplog) -> None:
    settings.EMAIL_BACKEND = "webstreet.engine.notices.Notices"
    with RecordingMailApi("mailgun", ApiBehaviour(status=503)) as api:
        settings.EMAIL_SERVERS = EmailUrl.parse_all(api.url)
        assert several(5) == 0
        assert len(api.calls) == 1
    assert [record.getMessage() for record in caplog.records] == ["notice.unsent"]
