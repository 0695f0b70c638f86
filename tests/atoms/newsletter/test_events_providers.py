"""What providers post in their own forms: verified as each does it, and the same events in the end."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import uuid
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from django.test import Client

from webstreet.atoms.newsletter import events_webhook
from webstreet.atoms.newsletter.models import Delivery, Event, Issue, MailingList, Subscriber
from webstreet.contract.environment import EVENTS_PROVIDERS
from webstreet.engine import environment
from webstreet.kernel.errors import BadInput
from webstreet.kernel.secret import Secret

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
SECRET = "asecretoftwentyletters"
BOUNCE = {
    "RecordType": "Bounce",
    "Type": "HardBounce",
    "ID": 42,
    "MessageID": "00000000-0000-0000-0000-000000000000",
    "Email": "s0@example.org",
    "BouncedAt": "2100-01-01T00:00:00Z",
    "Details": "smtp;550 5.1.1 <s0@example.org> no such user",
}


@pytest.fixture
def web(monkeypatch) -> Client:
    monkeypatch.setenv("EVENTS_SECRET", SECRET)
    return Client(HTTP_HOST="blog.example.com", enforce_csrf_checks=True)


def basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"webstreet:{password}".encode()).decode()}


def post(web: Client, provider: str, body: Any, headers: dict[str, str] | None = None):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    url = f"/api/newsletter/events/{provider}"
    return web.post(url, content, content_type="application/json", headers=headers or {})


@pytest.mark.requirement("P4")
def test_one_that_has_a_password(web, subscribers, monkeypatch):
    monkeypatch.setenv("EVENTS_PROVIDER", "postmark")
    subscribers(2)
    for headers in ({}, basic("wrong"), {"Authorization": "Basic ???"}):
        answer = post(web, "postmark", BOUNCE, headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "events.signature")
    assert not Event.objects.exists()
    answers = [post(web, "postmark", BOUNCE, basic(SECRET)).json() for _ in range(2)]
    assert answers == [{"taken": 1, "known": 0, "ignored": 0}, {"taken": 0, "known": 1, "ignored": 0}]
    row = Event.objects.get()
    assert (row.source, row.kind, row.code, row.reason) == ("postmark", "hard", "550 5.1.1", "recipient")
    assert "s0@" not in row.reply
    complaint = {**BOUNCE, "RecordType": "SpamComplaint", "Type": "SpamComplaint", "ID": 43, "Email": "s1@example.org"}
    assert post(web, "postmark", complaint, basic(SECRET)).json()["taken"] == 1
    assert set(Subscriber.objects.values_list("status", "suppressions__reason")) == {
        ("suppressed", "bounce"),
        ("suppressed", "complaint"),
    }
    soft = {**BOUNCE, "Type": "SoftBounce", "ID": 44, "Details": "not now"}
    opened = {**BOUNCE, "RecordType": "Open", "Recipient": "s0@example.org"}
    assert [post(web, "postmark", one, basic(SECRET)).json()["taken"] for one in (soft, opened)] == [1, 0]
    assert Event.objects.order_by("id").last().kind == "soft", "nobody said for good that nobody lives there"


def mailgun(event: dict[str, Any], *, key: str = SECRET, token: str = "t" * 50, ago: int = 0) -> dict[str, Any]:
    moment = str(int(time.time()) - ago)
    mac = hmac.new(key.encode(), f"{moment}{token}".encode(), hashlib.sha256).hexdigest()
    return {"signature": {"timestamp": moment, "token": token, "signature": mac}, "event-data": event}


def test_one_that_signs_and_names_our_message(web, subscribers, monkeypatch):
    monkeypatch.setenv("EVENTS_PROVIDER", "mailgun")
    (person,) = subscribers(1)
    issue = Issue.objects.create(article_uuid=uuid.uuid4(), mailing_list=MailingList.main())
    row = Delivery.objects.create(
        issue=issue, subscriber=person, number=0, state="sent", changed_at="2100-01-01T00:00:00Z"
    )
    told = {
        "event": "failed",
        "severity": "permanent",
        "reason": "bounce",
        "id": "x1",
        "timestamp": time.time(),
        "recipient": person.email,
        "message": {"headers": {"message-id": f"{issue.key.hex}.{person.public_id.hex}@example.org"}},
        "delivery-status": {"code": 550, "message": "5.1.1 The email account does not exist", "description": ""},
    }
    assert post(web, "mailgun", mailgun(told, key="another")).status_code == 403
    assert not Event.objects.exists()
    assert post(web, "mailgun", mailgun(told)).json() == {"taken": 1, "known": 0, "ignored": 0}
    found = Event.objects.get()
    assert (found.source, found.delivery_id, found.kind) == ("mailgun", row.pk, "hard")


def test_a_signature_that_leaves_out_the_body_is_good_once_and_not_for_long(web, subscribers, monkeypatch):
    monkeypatch.setenv("EVENTS_PROVIDER", "mailgun")
    subscribers(1)
    opened = {"event": "opened", "id": "x1", "timestamp": time.time(), "recipient": "s0@example.org"}
    complained = {**opened, "event": "complained"}
    for ago in (302, -302):
        answer = post(web, "mailgun", mailgun(complained, ago=ago))
        assert (answer.status_code, answer.json()["code"]) == (403, "events.signature")
    seen = mailgun(opened, token="1" + "t" * 49)
    assert post(web, "mailgun", seen).json() == {"taken": 0, "known": 0, "ignored": 1}
    assert post(web, "mailgun", {**seen, "event-data": complained}).json()["taken"] == 0
    # Its digits moved from the token to the time, and back: signed is the same.
    signed = seen["signature"]
    moved = {**signed, "timestamp": signed["timestamp"] + "1", "token": signed["token"][1:]}
    assert post(web, "mailgun", {"signature": moved, "event-data": complained}).status_code == 403
    moved = {**signed, "timestamp": signed["timestamp"][:-1], "token": signed["timestamp"][-1] + signed["token"]}
    assert post(web, "mailgun", {"signature": moved, "event-data": complained}).status_code == 403
    assert not Event.objects.exists()
    fresh = mailgun(complained, token="u" * 50)
    assert [post(web, "mailgun", fresh).json()["taken"] for _ in range(2)] == [1, 0]
    assert Subscriber.objects.get().status == "suppressed"


def test_one_that_signs_with_a_key_of_its_own(web, subscribers, monkeypatch):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    monkeypatch.setenv("EVENTS_PROVIDER", "postal")
    monkeypatch.setenv("EVENTS_SECRET", "".join(pem.decode().splitlines()[1:-1]))
    (person,) = subscribers(1)
    body = json.dumps(
        {
            "event": "MessageDeliveryFailed",
            "uuid": "u1",
            "timestamp": time.time(),
            "payload": {
                "status": "HardFail",
                "details": "Permanent SMTP delivery error",
                "output": "550 5.1.1 no such user",
                "message": {"id": 1, "message_id": "x@y", "to": person.email, "tag": None},
            },
        }
    ).encode()
    signature = base64.b64encode(key.sign(body, padding.PKCS1v15(), hashes.SHA1())).decode()  # noqa: S303 what Postal does
    assert post(web, "postal", body + b" ", {"X-Postal-Signature": signature}).status_code == 403
    assert post(web, "postal", body).status_code == 403
    assert not Event.objects.exists()
    assert post(web, "postal", body, {"X-Postal-Signature": signature}).json()["taken"] == 1
    assert Event.objects.get().kind == "hard"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"RecordType": []}', b"null"])
def test_what_is_not_in_its_form_is_refused(web, monkeypatch, body):
    monkeypatch.setenv("EVENTS_PROVIDER", "postmark")
    answer = post(web, "postmark", body or b" ", basic(SECRET))
    assert answer.status_code in (200, 422), "no failure of ours"
    assert not Event.objects.exists()


def test_only_the_provider_that_is_set_is_there(web, monkeypatch):
    assert post(web, "postmark", BOUNCE, basic(SECRET)).status_code == 404
    monkeypatch.setenv("EVENTS_PROVIDER", "mailgun")
    assert post(web, "postmark", BOUNCE, basic(SECRET)).status_code == 404
    assert web.head("/api/newsletter/events/mailgun").status_code == 200
    assert web.get("/api/newsletter/events/mailgun").status_code == 405


@pytest.mark.parametrize("name", EVENTS_PROVIDERS)
def test_our_own_form_is_not_there_beside_a_provider(web, subscribers, monkeypatch, name):
    """Postal's key is public: whoever signed with it would be believed about anybody."""
    subscribers(1)
    body = json.dumps({"events": [{"id": "1", "kind": "complaint", "recipient": "s0@example.org"}]}).encode()
    headers = {"Webstreet-Signature": events_webhook.sign(body, Secret(SECRET), time.time())}
    monkeypatch.setenv("EVENTS_PROVIDER", name)
    url = "/api/newsletter/events"
    assert web.post(url, body, content_type="application/json", headers=headers).status_code == 404
    assert not Event.objects.exists()
    monkeypatch.delenv("EVENTS_PROVIDER")
    assert web.post(url, body, content_type="application/json", headers=headers).json()["taken"] == 1


@pytest.mark.parametrize("name", EVENTS_PROVIDERS)
def test_each_provider_refuses_what_is_not_verified(web, monkeypatch, name):
    monkeypatch.setenv("EVENTS_PROVIDER", name)
    for body in (b"{}", b"[]", b"x"):
        assert post(web, name, body).status_code == 403, body


@pytest.mark.parametrize(
    "more", [{"EVENTS_PROVIDER": "nobody", "EVENTS_SECRET": SECRET}, {"EVENTS_PROVIDER": "postal"}]
)
def test_a_provider_that_cannot_be_used_is_said_at_the_start(more):
    with pytest.raises(BadInput) as refused:
        environment._check_events(more)
    assert refused.value.error_code == "setting.events_provider"
