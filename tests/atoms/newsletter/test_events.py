"""Events are written once, suppress whom they should, and never leave with a person more than their counts."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from webstreet.atoms.newsletter import actions, events, importing, personal_data, suppression
from webstreet.atoms.newsletter.events import Kind, Mail, Told
from webstreet.atoms.newsletter.models import (
    ConsentRecord,
    Delivery,
    Event,
    Issue,
    MailingList,
    Subscriber,
    Suppression,
)
from webstreet.mail.reason import Reason
from webstreet.testing.smtp import Behaviour

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
GONE = "550 5.1.1 <{}>: no such user here"


def told(kind: str, person: Subscriber, *, name: str = "", at: dt.datetime | None = None, **more) -> Told:
    at = at or timezone.now()
    return Told("webhook", name or f"{kind}-{person.pk}-{at}", Kind(kind), Mail(person.pk), at, **more)


def status(person: Subscriber) -> str:
    return Subscriber.objects.get(pk=person.pk).status


@pytest.fixture
def sent(announce, subscribers, smtp, drain):
    """``sent(3, s1="550 ...")`` sends an issue to that many, of whom s1 is refused so; it gives the issue."""

    def send(count: int = 0, **refused: str) -> Issue:
        from webstreet.atoms.newsletter.receivers import article_first_public

        if count:
            subscribers(count)
        smtp.behaviour = Behaviour(recipients={f"{who}@example.org": reply for who, reply in refused.items()})
        announced = announce("Rain", language="en")
        article_first_public(announced.uuid)
        drain()
        smtp.behaviour = Behaviour()
        return Issue.objects.get(article_uuid=announced.uuid)

    return send


@pytest.mark.requirement("P4")
def test_a_refusal_for_good_ends_the_mails_to_that_address(sent, smtp):
    issue = sent(
        4, s1=GONE.format("s1@example.org"), s2="550 5.7.606 Access denied, banned sending IP", s3="552 5.2.2 full"
    )
    assert {s.email: s.status for s in Subscriber.objects.all()} | {"s2@example.org": ""} == {
        "s0@example.org": "active", "s1@example.org": "suppressed", "s2@example.org": "", "s3@example.org": "active",
    }  # fmt: skip
    row = Event.objects.get(kind="hard")
    assert (row.source, row.code, row.reason, row.issue_id) == ("reply", "550 5.1.1", "recipient", issue.pk)
    assert "s1@" not in row.reply
    barred = Suppression.objects.get()
    assert (barred.reason, barred.event_id, barred.before, barred.hard) == ("bounce", row.pk, "active", False)


def test_the_next_issue_goes_to_everybody_else(sent, smtp):
    sent(3, s1=GONE.format("s1@example.org"))
    smtp.messages.clear()
    issue = sent()
    assert sorted(m.recipients[0] for m in smtp.messages) == ["s0@example.org", "s2@example.org"]
    assert issue.audience == 2


def test_when_all_went_well_nothing_is_asked_of_the_database(sent, django_assert_num_queries):
    from django.db import connections

    from webstreet.atoms.newsletter.models.base import alias
    from webstreet.mail.pump import Outcome, Result

    with django_assert_num_queries(0, connection=connections[alias()]):
        events.note_replies(1, [], [Result(i, Outcome.SENT, "250 2.0.0") for i in range(1000)])


def test_what_cannot_be_noted_does_not_undo_what_was_recorded(sent, smtp, monkeypatch, caplog):
    def away(told):
        raise RuntimeError("s1@example.org")

    monkeypatch.setattr(events, "note", away)
    issue = sent(2, s1=GONE.format("s1@example.org"))
    assert (issue.counts.sent, issue.counts.failed) == (1, 1)
    assert "events.not_written" in caplog.text
    assert "s1@example.org" not in caplog.text


def test_the_same_event_is_one_row(subscribers):
    (person,) = subscribers(1)
    one = told("complaint", person, name="7f")
    assert [events.note([one, one]), events.note([one])] == [1, 0]
    assert Event.objects.count() == 1
    assert events.note([told("complaint", person, name="80")]) == 1
    assert Suppression.objects.count() == 1


def test_a_complaint_is_the_last_word(subscribers):
    first, second = subscribers(2)
    events.note([told("hard", first, code="5.1.1"), told("complaint", second)])
    events.note([told("complaint", first)])
    assert {status(first), status(second)} == {"suppressed"}
    assert set(Suppression.objects.values_list("reason", flat=True)) == {"complaint"}
    with pytest.raises(suppression.NotLiftable):
        suppression.lift(first, why="they asked", by=1)
    assert status(first) == "suppressed"


def test_many_soft_bounces_of_different_mails_end_it(subscribers):
    first, second, third = subscribers(3)
    Subscriber.objects.update(status_since=timezone.now() - dt.timedelta(days=60))
    for days in (12, 9, 6, 3):
        at = timezone.now() - dt.timedelta(days=days)
        events.note([told("soft", who, at=at, reason=Reason.FULL) for who in (first, second)])
        events.note([told("soft", third, at=at, reason=Reason.SENDER)])
    assert status(first) == "active"
    main = Issue.objects.create(article_uuid="0" * 32, mailing_list=MailingList.main())
    Delivery.objects.create(
        issue=main, subscriber=second, number=0, state="sent", changed_at=timezone.now() - dt.timedelta(days=1)
    )
    events.note([told("soft", who, reason=Reason.FULL) for who in (first, second)])
    events.note([told("soft", third, reason=Reason.SENDER)])
    assert [status(who) for who in (first, second, third)] == ["suppressed", "active", "active"], (
        "the second got a mail yesterday; the third's were refused for the sender's sake"
    )


def test_an_editor_undoes_a_bounce_with_a_note(subscribers):
    active, gone, asked = subscribers(3)
    Subscriber.objects.filter(pk=gone.pk).update(status="unsubscribed")
    Subscriber.objects.filter(pk=asked.pk).update(status="pending")
    events.note([told("hard", who) for who in (active, gone, asked)])
    assert {status(who) for who in (active, gone, asked)} == {"suppressed"}
    for who in (active, gone, asked):
        suppression.lift(who, why="they wrote that it works", by=7)
    assert [status(who) for who in (active, gone, asked)] == ["active", "unsubscribed", "pending"]
    assert not Suppression.objects.exists()
    with pytest.raises(suppression.NotLiftable):
        suppression.lift(active, why="again", by=7)


def test_who_unsubscribes_while_suppressed_stays_unsubscribed(subscribers):
    (person,) = subscribers(1)
    events.note([told("hard", person)])
    actions.unsubscribe(person, source="link")
    assert status(person) == "suppressed"
    assert person.consents.filter(event=ConsentRecord.Event.WITHDRAWN).count() == 1
    suppression.lift(person, why="the mailbox works", by=1)
    assert status(person) == "unsubscribed"


def test_the_person_comes_back_by_signing_up(subscribers, reader, drain, smtp):
    (person,) = subscribers(1)
    events.note([told("complaint", person)])
    for _ in range(2):
        reader.sign_up(person.email)
        drain()
    assert len(smtp.to(person.email)) == 1, "anybody can type anybody's address: one mail in a month"
    assert status(person) == "suppressed"
    reader.web.post(reader.link(person.email, "confirm"))
    assert status(person) == "active"
    assert not Suppression.objects.exists()
    old = told("complaint", person, at=timezone.now() - dt.timedelta(hours=1))
    events.note([old])
    assert status(person) == "active", "it was about a mail from before"


def test_whom_an_editor_barred_does_not_come_back_by_signing_up(reader, drain, smtp):
    assert suppression.bar("loud@example.org", why="threats", by=3)
    assert not suppression.bar("loud@example.org", why="again", by=3)
    reader.sign_up("loud@example.org")
    drain()
    assert smtp.messages == []
    suppression.lift(Subscriber.objects.get(), why="settled", by=3)
    assert Subscriber.objects.get().status == "unsubscribed", "that they agreed is not known here"


def test_a_provider_unsubscribes(subscribers):
    (person,) = subscribers(1)
    events.note([told("unsubscribed", person)])
    assert status(person) == "unsubscribed"
    assert person.consents.get(event=ConsentRecord.Event.WITHDRAWN).source == "webhook"


def test_an_import_keeps_the_suppressed_out(subscribers):
    from webstreet.engine.imports import SubscriberRecord

    (person,) = subscribers(1)
    events.note([told("hard", person)])

    class Context:
        source, dry_run, told = "csv", False, 0

        def created(self, kind):
            raise AssertionError("there already")

        updated = created

        def unchanged(self, kind):
            self.told += 1

    context = Context()
    record = SubscriberRecord("1", person.email, timezone.now(), 1)
    importing.take([record], context)
    assert (status(person), context.told) == ("suppressed", 1)


@pytest.mark.requirement("P2", "H4")
def test_erasing_leaves_the_counts_and_nothing_of_the_person(sent, subscribers):
    issue = sent(2, s1=GONE.format("s1@example.org"))
    person = Subscriber.objects.get(email="s1@example.org")
    events.note([Told("mailbox", "x", Kind.COMPLAINT, Mail(person.pk, issue.pk), timezone.now(), reply="words")])
    data = personal_data.everything_about(person)
    assert {row["kind"] for row in data["events"]} == {"hard", "complaint"}
    assert [row["reason"] for row in data["suppression"]] == ["complaint"]
    before = events.rates(issue, issue.counts)
    personal_data.erase(person, by=None)
    assert events.rates(issue, issue.counts) == before
    assert (before.refused, before.complaints, before.accepted) == (1, 1, 1)
    assert set(Event.objects.values_list("subscriber", "reply")) == {(None, None)}
    row = Suppression.objects.get()
    assert (row.subscriber_id, row.reason, row.hard) == (None, "complaint", False)


def test_rates_count_each_mail_once_of_a_kind(sent):
    issue = sent(4, s3=GONE.format("s3@example.org"))
    first, second = Delivery.objects.filter(issue=issue, state="sent").order_by("pk")[:2]
    for source in ("mailbox", "webhook"):
        for kind, row in ((Kind.COMPLAINT, first), (Kind.HARD, second), (Kind.DELIVERED, first)):
            mail = Mail(row.subscriber_id, issue.pk, row.pk, row.changed_at)
            events.note([Told(source, f"{kind}{row.pk}", kind, mail, timezone.now())])
    found = events.rates(issue, issue.counts)
    assert (found.accepted, found.refused, found.hard, found.complaints) == (3, 1, 1, 1)
    assert events.delivered(issue) == 1
    assert found.bounce_rate == pytest.approx(2 / 4)
    assert found.complaint_rate == pytest.approx(1 / 3)
    assert issue.counts.sent == 3, "what the server said stays as it is"
