"""Subscribers from elsewhere."""

from __future__ import annotations

import datetime as dt

import pytest

from webstreet.atoms.newsletter import actions
from webstreet.atoms.newsletter.models import ConsentRecord, Subscriber
from webstreet.engine import hooks
from webstreet.engine.imports import ImportContext, SubscriberRecord

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
THEN = dt.datetime(2021, 5, 1, tzinfo=dt.UTC)


def load(*rows: tuple[str, str]):
    ctx = ImportContext("crispy-octo")
    records = [SubscriberRecord(external_id, email, THEN, line) for line, (external_id, email) in enumerate(rows, 1)]
    hooks.call("import_subscribers", records, ctx)
    return ctx.finish([])


@pytest.mark.requirement("P2")
@pytest.mark.requirement("P10")
def test_subscribers_load():
    """Crispy Octo's own: its subscribers are here, active, with where they came from."""
    report = load(("1", "Ada@example.org"), ("2", "bob@bücher.example"), ("3", "carl@example.org"))
    assert report.created == {"subscribers": 3}
    assert set(Subscriber.objects.values_list("email", "status", "source")) == {
        ("ada@example.org", "active", "import:crispy-octo"),
        ("bob@xn--bcher-kva.example", "active", "import:crispy-octo"),
        ("carl@example.org", "active", "import:crispy-octo"),
    }
    assert all(s.memberships.count() == 1 for s in Subscriber.objects.all())
    assert ConsentRecord.objects.filter(event="imported").count() == 3


def test_again_changes_nothing():
    load(("1", "ada@example.org"), ("2", "bob@example.org"))
    report = load(("1", "ada@example.org"), ("2", "bob@example.org"))
    assert (report.created, report.updated, report.unchanged) == ({}, {}, {"subscribers": 2})
    assert ConsentRecord.objects.count() == 2
    report = load(("2", "robert@example.org"), ("9", "ADA@example.org"))
    assert (report.updated, report.unchanged) == ({"subscribers": 1}, {"subscribers": 1})
    assert set(Subscriber.objects.values_list("email", flat=True)) == {"ada@example.org", "robert@example.org"}


def test_invalid_ones_are_reported_by_line_without_the_address():
    report = load(
        ("1", "ada@example.org"), ("2", "not an address"), ("3", "a@b\r\nBcc: eve@example.org"), ("4", "x" * 10_000)
    )
    assert report.created == {"subscribers": 1}
    assert [r.line for r in report.rejected] == [2, 3, 4]
    for rejected in report.rejected:
        assert "not an address" not in rejected.reason
        assert "eve@" not in rejected.reason
        assert "xxx" not in rejected.reason


def test_unsubscribed_and_suppressed_ones_stay_so():
    load(("1", "ada@example.org"), ("2", "bob@example.org"))
    actions.unsubscribe(Subscriber.objects.get(email="ada@example.org"), source="link")
    Subscriber.objects.filter(email="bob@example.org").update(status="suppressed")
    load(("1", "ada@example.org"), ("2", "bob@example.org"), ("7", "ada@example.org"))
    assert dict(Subscriber.objects.values_list("email", "status")) == {
        "ada@example.org": "unsubscribed",
        "bob@example.org": "suppressed",
    }


def test_who_left_under_a_new_address_has_left():
    load(("1", "ada@example.org"))
    left = SubscriberRecord("1", "ada@example.net", THEN, 1, status="unsubscribed")
    hooks.call("import_subscribers", [left], ImportContext("crispy-octo"))
    assert dict(Subscriber.objects.values_list("email", "status")) == {"ada@example.net": "unsubscribed"}


def test_numbers_of_two_lists_are_of_different_people():
    for email in ("ada@example.org", "bob@example.org"):
        hooks.call("import_subscribers", [SubscriberRecord("1", email, THEN, 1)], ImportContext("csv"))
    assert set(Subscriber.objects.values_list("email", flat=True)) == {"ada@example.org", "bob@example.org"}


def test_all_or_none():
    def broken():
        yield SubscriberRecord("1", "ada@example.org", THEN, 1)
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 ours
        hooks.call("import_subscribers", broken(), ImportContext("crispy-octo"))
    assert Subscriber.objects.count() == 0
