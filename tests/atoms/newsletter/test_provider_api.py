"""An issue handed to the API of a mail provider: as by SMTP, every recipient accounted for."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from django.contrib.auth import get_user_model
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.atoms.newsletter.test_events_providers import SECRET, mailgun, post
from tests.atoms.newsletter.test_issues import publish, states, sweep
from tests.lab.base import free_port
from webstreet.atoms.newsletter import mail_server, outbox, tasks, verdicts
from webstreet.atoms.newsletter.models import Delivery, Event, Issue, Subscriber
from webstreet.atoms.newsletter.tasks import close_transport
from webstreet.testing.mail_api import KEY, ApiBehaviour, RecordingMailApi

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])


@pytest.fixture(params=["mailgun", "postmark"])
def api(request, monkeypatch) -> Iterator[RecordingMailApi]:
    """The site's mail server is the API of a provider."""
    with RecordingMailApi(request.param) as running:
        monkeypatch.setenv("EMAIL_URL", running.url)
        yield running
        close_transport()


def arrived(api: RecordingMailApi) -> Counter[str]:
    return Counter(mail.recipient for mail in api.mails)


@pytest.mark.requirement("P4")
def test_every_subscriber_gets_one_mail_of_their_own(api, announce, subscribers, drain, monkeypatch):
    people = subscribers(60)
    publish(announce())
    drain()
    issue = Issue.objects.get()
    assert (issue.state, issue.counts.sent) == ("finished", 60)
    assert arrived(api) == Counter(person.email for person in people)
    assert (max(api.calls) > 10) == (api.provider == "mailgun"), "many together where the provider takes that"
    for mail in api.mails:
        person = Subscriber.objects.get(email=mail.recipient)
        url = f"https://blog.example.com/fr/newsletter/unsubscribe/{person.unsubscribe_token}/"
        assert mail.headers["list-unsubscribe"] == f"<{url}>"
        assert mail.headers["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
        assert mail.headers["message-id"] == f"<{issue.key.hex}.{person.public_id.hex}@blog.example.com>"
        assert url in mail.text
        assert url in mail.html
        assert "[1] https://example.org/a" in mail.text


def test_an_event_finds_its_mail_whatever_the_provider_calls_it(api, announce, subscribers, drain, monkeypatch):
    subscribers(3)
    publish(announce())
    drain()
    mail = next(mail for mail in api.mails if mail.recipient == "s1@example.org")
    monkeypatch.setenv("EVENTS_SECRET", SECRET)
    monkeypatch.setenv("EVENTS_PROVIDER", api.provider)
    # To an address that we do not know: a mail that was forwarded.
    if api.provider == "mailgun":
        told = mailgun({
            "event": "failed", "severity": "permanent", "reason": "bounce", "id": "x1", "timestamp": time.time(),
            "recipient": "elsewhere@example.net", "message": {"headers": {"message-id": mail.provider_id}},
            "user-variables": dict(mail.metadata), "delivery-status": {"code": 550, "message": "5.1.1 no such user"},
        })  # fmt: skip
        headers = {}
    else:
        told = {
            "RecordType": "Bounce", "Type": "HardBounce", "ID": 42, "MessageID": mail.provider_id, "Email": "elsewhere@example.net",
            "BouncedAt": "2100-01-01T00:00:00Z", "Details": "smtp;550 5.1.1 no such user", "Metadata": dict(mail.metadata),
        }  # fmt: skip
        headers = {"Authorization": "Basic " + base64.b64encode(f"webstreet:{SECRET}".encode()).decode()}
    web = Client(HTTP_HOST="blog.example.com", enforce_csrf_checks=True)
    assert post(web, api.provider, json.dumps(told).encode(), headers).json()["taken"] == 1
    row = Delivery.objects.get(subscriber__email="s1@example.org")
    assert Event.objects.get().delivery_id == row.pk


def test_a_lost_answer_is_an_uncertain_row_and_nobody_is_mailed_twice(api, announce, subscribers, drain):
    subscribers(40)
    api.behaviour = ApiBehaviour(drop="after_body")
    publish(announce())
    drain()
    uncertain = states()["uncertain"]
    assert uncertain >= 1
    assert uncertain == len(api.mails), "each that the provider may have, and nobody else"
    api.behaviour = ApiBehaviour()
    Issue.objects.update(due_at=timezone.now())
    sweep()
    drain()
    # On a slow machine a step may end before the last answer.
    outbox.wait_for_answers(20)
    outbox.write_down()
    assert states() == Counter(uncertain=uncertain, sent=40 - uncertain)
    assert Issue.objects.get().counts.total == 40
    assert arrived(api) == Counter(f"s{i}@example.org" for i in range(40))


def test_who_is_under_way_together_is_written_together(announce, subscribers, drain, monkeypatch, wait_until):
    subscribers(60)
    publish(announce())
    let_go = threading.Event()
    with RecordingMailApi("mailgun", ApiBehaviour(held=lambda recipients: not let_go.is_set())) as api:
        monkeypatch.setenv("EMAIL_URL", api.url)
        try:
            tasks.deliver_step(Issue.objects.get())
            assert len([known for known in outbox._unwritten if known.waits]) >= 50
            with CaptureQueriesContext(connections["newsletter"]) as renewing:
                outbox.write_down()
            assert len(renewing) == 1
            let_go.set()
            wait_until(lambda: not any(known.waits for known in outbox._unwritten), seconds=20, what="it answers")
            with CaptureQueriesContext(connections["newsletter"]) as writing:
                outbox.write_down()
            assert len([query for query in writing if "BEGIN" in query["sql"]]) <= 2, "what was answered, and the lease"
            assert len(writing) < 25
            assert states()["sent"] == len(api.mails) >= 50
            sweep()
            drain()
            assert (states(), max(arrived(api).values())) == ({"sent": 60}, 1)
        finally:
            close_transport()
            outbox._unwritten.clear()


def test_a_letter_that_is_refused_late_pauses_its_own_issue(announce, subscribers, drain, monkeypatch, wait_until):
    people = subscribers(8)
    publish(announce())
    let_go = threading.Event()
    refused = {person.email: "No such letter." for person in people}
    with RecordingMailApi("postmark", ApiBehaviour(held=lambda _: not let_go.is_set(), refused=refused)) as api:
        monkeypatch.setenv("EMAIL_URL", api.url)
        try:
            first = Issue.objects.get()
            tasks.deliver_step(first)
            assert len([known for known in outbox._unwritten if known.waits]) == 4
            Subscriber.objects.update(status="unsubscribed")
            subscribers(3, start=100)
            publish(announce("Another"))
            let_go.set()
            wait_until(lambda: not any(known.waits for known in outbox._unwritten), seconds=20, what="it answers")
            Subscriber.objects.filter(email__in=refused).update(status="active")
            second = Issue.objects.exclude(pk=first.pk).get()
            tasks.deliver_step(second)
            assert arrived(api) == Counter(f"s{i}@example.org" for i in range(100, 103))
            first.refresh_from_db()
            assert first.paused_at is None
            outbox.write_down()
            tasks.deliver_step(first)
            for issue in (first, second):
                issue.refresh_from_db()
            assert (first.paused_at is not None, first.trouble) == (True, "sender.policy")
            assert (second.paused_at, second.trouble) == (None, "")
        finally:
            outbox.write_down()
            close_transport()
            outbox._unwritten.clear()


def test_a_refused_key_pauses_and_burns_nobody(api, announce, subscribers, drain, caplog):
    subscribers(5)
    api.key = "another"
    publish(announce())
    drain()
    issue = Issue.objects.get()
    assert (issue.state, issue.trouble) == ("paused", "sender.login")
    assert set(states()) <= {"queued"}
    assert KEY not in caplog.text
    assert "example.org" not in caplog.text


def test_a_mail_that_somebody_waits_for(api, smtp, reader, drain, monkeypatch):
    monkeypatch.setenv("EMAIL_URL", api.url)
    reader.sign_up("ada@example.org")
    drain()
    (mail,) = api.mails
    assert (mail.recipient, "/newsletter/confirm" in mail.text) == ("ada@example.org", True)
    assert smtp.messages == []


def test_the_api_stands_in_for_a_server_that_is_away(api, announce, subscribers, drain, monkeypatch):
    monkeypatch.setenv("EMAIL_URL", f"smtp://127.0.0.1:{free_port()} {api.url}&order=2")
    subscribers(8)
    publish(announce())
    drain()
    assert states() == Counter(sent=8)
    assert len(api.mails) == 8


def test_readiness_looks_whether_the_api_is_there(api, monkeypatch):
    assert mail_server.look().ok
    assert api.calls == [], "nothing is asked of it"
    monkeypatch.setenv(
        "EMAIL_URL",
        f"{api.provider}://k@{'d.example' if api.provider == 'mailgun' else ''}?api=http://127.0.0.1:{free_port()}",
    )
    assert (mail_server.look().ok, mail_server.look().note) == (False, "nothing answers at EMAIL_URL: mails wait")


def test_no_record_is_suggested_for_the_domain_of_a_provider_and_the_page_says_who_signs(api, settings):
    assert "news.example.org" not in verdicts.suggested_spf()
    web = Client(HTTP_HOST="blog.example.com")
    web.force_login(get_user_model().objects.create_superuser("ada", "ada@example.org", "x"))
    page = web.get("/admin/newsletter/sender/", headers={"Accept-Language": "en"}).content.decode()
    assert f"Mails that are handed to {api.provider.title()} are signed there" in page
    assert KEY not in page
