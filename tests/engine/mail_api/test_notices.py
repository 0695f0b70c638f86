"""Wagtail's own mails to editors, where the site has no mail server but the API of a provider."""

from __future__ import annotations

import pytest
from django.core.mail import EmailMessage, get_connection

from webstreet.mail.url import EmailUrl
from webstreet.testing.mail_api import ApiBehaviour, RecordingMailApi
from webstreet.testing.smtp import RecordingSmtpServer

pytestmark = pytest.mark.django_db


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
