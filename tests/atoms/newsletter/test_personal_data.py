"""What is kept about a person: by mailed link, as JSON, and gone after erasure."""

from __future__ import annotations

import json

import pytest

from webstreet.atoms.newsletter import actions, ledger, personal_data
from webstreet.atoms.newsletter.models import (
    Change,
    DataRequest,
    Delivery,
    Issue,
    SignUp,
    Subscriber,
    Suppression,
    TestMail,
    Token,
)
from webstreet.testing.smtp import Behaviour

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
CANARY = "canary-9q4z@private-zx82.example"
NEEDLES = (b"9q4z", b"private-zx82", b"Zebulon")


def ask(reader, email: str, **more: str):
    token = reader.token("/newsletter/my-data/")
    return reader.web.post("/newsletter/my-data/", {"email": email, "token": token, **more})


@pytest.fixture
def person(reader, drain, smtp) -> Subscriber:
    """A confirmed subscriber who has a name."""
    reader.sign_up(CANARY)
    drain()
    reader.web.post(reader.link(CANARY, "confirm"))
    drain()
    Subscriber.objects.update(name="Zebulon")
    return Subscriber.objects.get()


def contents() -> bytes:
    """Everything in the atom's database, as it lies there: on SQLite the very bytes of its files."""
    from pathlib import Path

    from django.apps import apps
    from django.db import connections

    connection = connections["newsletter"]
    if connection.vendor == "sqlite":
        name = str(connection.settings_dict["NAME"])
        assert Path(name).exists()
        return b"".join(Path(name + end).read_bytes() for end in ("", "-wal") if Path(name + end).exists())
    rows = [str(list(model._default_manager.values_list())) for model in apps.get_app_config("newsletter").get_models()]
    return "\n".join(rows).encode()


def left() -> list[bytes]:
    found = contents()
    return [needle for needle in NEEDLES if needle in found]


def test_known_and_unknown_get_the_same_answer_and_one_a_mail(reader, person, smtp, drain):
    smtp.messages.clear()
    known, unknown = ask(reader, CANARY), ask(reader, "nobody@example.org")
    assert known.status_code == unknown.status_code == 200
    assert known.content == unknown.content
    assert DataRequest.objects.count() == 2, "whether it is known is not looked at before the answer"
    drain()
    assert [m.recipients for m in smtp.messages] == [[CANARY]]
    assert not DataRequest.objects.exists()
    ask(reader, CANARY)
    drain()
    assert len(smtp.messages) == 1, "once an hour"


def test_the_form_is_guarded_as_sign_up_is(reader, smtp, drain, parameters, person):
    smtp.messages.clear()
    assert ask(reader, "not an address").status_code == 422
    assert reader.web.post("/newsletter/my-data/", {"email": CANARY, "token": "x"}).status_code == 400
    assert ask(reader, CANARY, website="http://spam.example").status_code == 200
    drain()
    assert smtp.messages == [], "a robot is answered and nothing more"
    parameters(limits={"per_network_per_hour": 1})
    refused = ask(reader, CANARY)
    assert (refused.status_code, refused["Retry-After"]) == (429, "3600")


@pytest.mark.requirement("P2")
def test_everything_kept_is_shown_and_downloaded(reader, person, announce, smtp, drain):
    from webstreet.atoms.newsletter.receivers import article_first_public

    smtp.behaviour = Behaviour(recipients={CANARY: f"550 5.1.1 <{CANARY}> unknown here"})
    article_first_public(announce("A title").uuid)
    drain()
    smtp.behaviour = Behaviour()
    ask(reader, CANARY)
    drain()
    TestMail.objects.create(issue=Issue.objects.get(), email=CANARY, asked_by=1)
    link = reader.link(CANARY, "my-data")
    looked = reader.web.get(link)
    assert CANARY not in looked.content.decode(), "a scanner that follows links sees no data"
    assert "no-store" in looked["Cache-Control"]
    shown = reader.web.post(link, {"action": "show"}).content.decode()
    for text in (CANARY, "Zebulon", "I agree to receive", "A title", "127.0.0.0/24", "Bounced for good"):
        assert text in shown, text
    answer = reader.web.post(link, {"action": "json"})
    assert answer["Content-Disposition"].startswith("attachment")
    data = json.loads(answer.content)
    assert data["subscriber"]["email"] == CANARY
    assert [c["event"] for c in data["consents"]] == ["asked", "confirmed"]
    assert [entry["key"] for entry in data["lists"]] == ["articles"]
    (delivery,) = data["deliveries"]
    assert (delivery["state"], delivery["code"], delivery["reply"]) == ("failed", "550 5.1.1", "<…> unknown here")
    assert {m["kind"] for m in data["mails"]} == {"confirm", "welcome", "data"}
    assert {entry["purpose"] for entry in data["links"]} == {"confirm", "data"}
    secrets = (person.unsubscribe_token, person.preferences_token, link.split("/")[-2])
    assert not any(secret in answer.content.decode() for secret in secrets)
    assert set(data) == {
        *("exported_at", "subscriber", "lists", "consents", "deliveries", "mails", "tests", "links", "sign_ups"),
        *("requests", "changes", "events", "suppression"),
    }
    (test,) = data["tests"]
    assert (test["issue__subject"], test["sent_at"]) == ("A title", None)
    assert "A title (test)" in shown


def test_no_table_about_people_is_forgotten():
    """A new model of the atom that has to do with a person must be thought of here: exported, and erased."""
    from django.apps import apps

    known = {
        *("Subscriber", "ConsentRecord", "Membership", "Delivery", "Notice", "Token", "SignUp", "DataRequest"),
        *("Change", "TestMail", "BulkJob", "Suppression", "Event"),
    }
    nobody = {
        *("MailingList", "Issue", "Chunk", "Throttle", "AudienceDay", "EventSource", "SigningKey", "DnsRecord"),
        *("Bucket", "HostedDomain", "Looked", "Pace", "Queue", "SlowDown"),
    }
    assert {model.__name__ for model in apps.get_app_config("newsletter").get_models()} == known | nobody


@pytest.mark.requirement("P2", "H4")
def test_after_erasure_the_person_is_nowhere(reader, person, announce, subscribers, smtp, drain):
    from webstreet.atoms.newsletter.receivers import article_first_public

    subscribers(3)
    smtp.behaviour = Behaviour(recipients={CANARY: f"550 5.1.1 <{CANARY}> unknown here"})
    article_first_public(announce().uuid)
    drain()
    smtp.behaviour = Behaviour()
    before = Issue.objects.get().counts
    for model in (SignUp, DataRequest):
        model.objects.create(email=CANARY, **({"text_version": "1", "text": "x"} if model is SignUp else {}))
    other = Subscriber.objects.get(email="s0@example.org")
    Token.make(Token.Purpose.ADDRESS, other, hours=1, email=CANARY)
    TestMail.objects.create(issue=Issue.objects.get(), email=CANARY, sent_at="2026-01-01T00:00:00Z")
    ask(reader, CANARY)
    drain()
    link = reader.link(CANARY, "my-data")
    assert left(), "the search finds what is there"
    assert "Erase everything?" in reader.web.post(link, {"action": "erase"}).content.decode()
    assert Subscriber.objects.filter(email=CANARY).exists(), "asking erases nothing"
    answer = reader.web.post(link, {"action": "erased"})
    assert "Your data are erased" in answer.content.decode()
    assert left() == []
    assert Issue.objects.get().counts == before, "the issue still adds up"
    assert Delivery.objects.filter(subscriber=None, state="failed").count() == 1
    assert list(Change.objects.filter(noun="subscriber", noun_id=person.pk).values_list("verb", "user_id")) == [
        ("erased", None)
    ]
    assert reader.web.post(link, {"action": "erased"}).status_code == 404, "again is fine"


@pytest.mark.requirement("P2", "P4")
def test_who_is_erased_during_an_issue_gets_no_more_of_it(person, subscribers, announce, smtp, drain):
    from webstreet.atoms.newsletter.receivers import article_first_public

    subscribers(3)
    article_first_public(announce().uuid)
    issue = Issue.objects.get()
    ledger.freeze_audience(issue)
    smtp.messages.clear()
    personal_data.erase(person, by=None)
    personal_data.erase(person, by=None)
    drain()
    assert sorted(m.recipients[0] for m in smtp.messages) == [f"s{i}@example.org" for i in range(3)]
    counts = Issue.objects.get().counts
    assert (counts.sent, counts.suppressed, counts.total) == (3, 1, 4)


def test_nobody_else_brings_an_erased_address_back(reader, person, smtp, drain, rf):
    from webstreet.atoms.newsletter.admin.forms import SubscriberForm

    personal_data.erase(person, by=None)
    assert Suppression.holds(CANARY)
    form = SubscriberForm({"email": CANARY, "name": "", "language": "en", "agreed": "on"})
    assert not form.is_valid()
    assert CANARY not in str(form.errors)
    assert SubscriberForm({"email": CANARY, "name": "", "language": "en"}).is_valid(), "with a confirmation it may"
    smtp.messages.clear()
    reader.sign_up(CANARY)
    drain()
    reader.web.post(reader.link(CANARY, "confirm"))
    assert Subscriber.objects.get(email=CANARY).is_active
    assert not Suppression.holds(CANARY)


def test_who_was_suppressed_stays_so_after_erasure(reader, person, smtp, drain):
    Subscriber.objects.update(status="suppressed")
    personal_data.erase(person, by=None)
    smtp.messages.clear()
    reader.sign_up(CANARY)
    drain()
    assert smtp.messages == []
    assert not Subscriber.objects.exists()
    Suppression.lift(CANARY)
    assert Suppression.holds(CANARY, hard=True)


def test_a_link_works_for_a_day(reader, person):
    for text, status in ((Token.make(Token.Purpose.DATA, person, hours=-1), 410), ("x" * 32, 404)):
        for answer in (reader.web.get(f"/newsletter/my-data/{text}/"), reader.web.post(f"/newsletter/my-data/{text}/")):
            assert answer.status_code == status
            assert "Ask for a new link" in answer.content.decode()
    undo = actions.unsubscribe(person, source="link")
    assert reader.web.get(f"/newsletter/my-data/{undo}/").status_code == 404, "a token opens what it is for"
