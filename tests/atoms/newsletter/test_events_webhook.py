"""The webhook: what is not signed changes nothing, and what is told twice is one event."""

from __future__ import annotations

import json
import time
import uuid

import pytest
from django.test import Client
from django.utils import timezone

from webstreet.atoms.newsletter import events_webhook
from webstreet.atoms.newsletter.models import Chunk, Delivery, Event, EventSource, Issue, MailingList, Subscriber
from webstreet.engine import environment
from webstreet.kernel.errors import BadInput
from webstreet.kernel.secret import Secret

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
SECRET = Secret("a secret of twenty letters")
URL = "/api/newsletter/events"


@pytest.fixture
def web(monkeypatch) -> Client:
    monkeypatch.setenv("EVENTS_SECRET", SECRET.reveal())
    return Client(HTTP_HOST="blog.example.com", enforce_csrf_checks=True)


@pytest.fixture
def delivery(subscribers) -> Delivery:
    (person,) = subscribers(1)
    issue = Issue.objects.create(article_uuid=uuid.uuid4(), mailing_list=MailingList.main())
    return Delivery.objects.create(
        issue=issue, subscriber=person, number=0, state="sent", changed_at="2100-01-01T00:00:00Z"
    )


def post(web: Client, body: object, *, secret: Secret = SECRET, at: float = 0, header: str | None = None):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    signature = events_webhook.sign(content, secret, at or time.time()) if header is None else header
    return web.post(URL, content, content_type="application/json", headers={"Webstreet-Signature": signature})


def event(delivery: Delivery | None = None, **changes: str) -> dict[str, str]:
    values = {"id": "1", "kind": "bounce", "code": "550 5.1.1", "reply": "<s0@example.org> unknown user"}
    if delivery is not None:
        person = delivery.subscriber
        assert person is not None
        values["message_id"] = f"<{delivery.issue.key.hex}.{person.public_id.hex}@example.org>"
    return values | changes


@pytest.mark.requirement("P4")
def test_a_signed_event_is_taken_once(web, delivery):
    body = {"events": [event(delivery)]}
    answers = [post(web, body).json() for _ in range(2)]
    assert answers == [{"taken": 1, "known": 0, "ignored": 0}, {"taken": 0, "known": 1, "ignored": 0}]
    row = Event.objects.get()
    assert (row.source, row.kind, row.delivery_id, row.reason) == ("webhook", "hard", delivery.pk, "recipient")
    assert "s0@" not in row.reply
    assert Subscriber.objects.get().status == "suppressed"
    assert EventSource.objects.get().taken == 1


def test_every_kind_and_way_to_name_a_mail(web, delivery):
    told = [
        event(delivery, id="a", kind="delivered", code="250 2.0.0"),
        event(delivery, id="b", code="4.2.2"),
        event(id="c", kind="complaint", recipient="S0@Example.org"),
        event(id="d", recipient="nobody@example.org"),
        event(id="e", message_id="<something@else.example>"),
        event(delivery, id="f", code="250"),
    ]
    assert post(web, {"events": told}).json() == {"taken": 3, "known": 0, "ignored": 3}
    assert list(Event.objects.order_by("id").values_list("kind", flat=True)) == ["delivered", "soft", "complaint"]


@pytest.mark.parametrize(
    ("header", "at", "secret"),
    [
        ("", 0.0, SECRET),
        ("t=1,v1=", 0.0, SECRET),
        ("v1=" + "0" * 64, 0.0, SECRET),
        (None, 0.0, Secret("another secret, as long")),
        (None, -301.0, SECRET),
        # More than a busy machine needs from here to the look at the time.
        (None, 400.0, SECRET),
    ],
    ids=["none", "broken", "without time", "another secret", "too old", "from the future"],
)
def test_what_is_not_well_signed_changes_nothing(web, delivery, header, at, secret):
    answer = post(web, {"events": [event(delivery)]}, header=header, at=at and time.time() + at, secret=secret)
    assert (answer.status_code, answer.json()["code"]) == (403, "events.signature")
    assert not Event.objects.exists()
    assert not EventSource.objects.exists()


def test_a_signature_is_for_one_body(web, delivery):
    good = json.dumps({"events": [event(delivery)]}).encode()
    header = events_webhook.sign(good, SECRET, time.time())
    assert post(web, good.replace(b"bounce", b"complaint"), header=header).status_code == 403
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        b" ",
        b"{",
        b"[]",
        b'{"events": 1}',
        b"[" * 100_000,
        {"events": [1]},
        {"events": [event(kind="opened")]},
        {"events": [event(id="")]},
        {"events": [event(code="no such")]},
        {"events": [event(at="yesterday")]},
        {"events": [event(at="2026-11-21T12:00:00")]},
        {"events": [event(at="2026-13-41T12:00:00Z")]},
        {"events": [event(more="x")]},
        {"events": [event()] * 1001},
    ],
)
def test_a_body_that_is_wrong_anywhere_is_not_taken_at_all(web, delivery, body):
    if isinstance(body, dict):
        body["events"].insert(0, event(delivery, id="good"))
    answer = post(web, body)
    assert (answer.status_code, answer.json()["code"]) == (422, "events.invalid")
    assert not Event.objects.exists()


def test_a_body_that_is_too_long_is_not_read(web):
    answer = post(web, b"x" * (events_webhook.BODY_MAX + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "body.too_long")


def test_without_a_secret_there_is_no_such_page(web, monkeypatch):
    monkeypatch.delenv("EVENTS_SECRET")
    assert post(web, {"events": []}).status_code == 404
    monkeypatch.setenv("EVENTS_SECRET", SECRET.reveal())
    assert post(web, {"events": []}).status_code == 200
    assert web.get(URL).status_code == 405


@pytest.mark.parametrize(
    ("name", "value"),
    [("EVENTS_SECRET", "too short"), ("BOUNCE_MAILBOX_URL", "imap://plain.example.org")],
)
def test_a_setting_that_cannot_be_used_is_said_at_the_start(name, value):
    with pytest.raises(BadInput) as refused:
        environment._check_events({name: value})
    assert value not in str(refused.value)


@pytest.mark.requirement("P4")
def test_too_many_complaints_pause_the_issue(web, subscribers, parameters):
    parameters(sending={"pause_after": 20})
    people = subscribers(21)
    issue = Issue.objects.create(
        article_uuid=uuid.uuid4(), mailing_list=MailingList.main(), started_at=timezone.now(), frozen_at=timezone.now()
    )
    Chunk.objects.create(issue=issue, number=0, due_at=timezone.now(), total=22, sent=21)
    told = [
        {"id": str(s.pk), "kind": "complaint", "message_id": f"{issue.key.hex}.{s.public_id.hex}@example.org"}
        for s in people[:3]
    ]
    assert post(web, {"events": told[:2]}).json()["taken"] == 2
    assert Issue.objects.get().paused_at is None
    assert post(web, {"events": told[2:]}).json()["taken"] == 1
    assert Issue.objects.get().trouble == "issue.complaints"
