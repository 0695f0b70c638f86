"""Two hands at one chunk at the same moment: a worker, and whoever has something tried again or answers late."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from django.db import connections
from django.utils import timezone

from webstreet.atoms.newsletter import ledger
from webstreet.atoms.newsletter.models import Chunk, Delivery, Issue
from webstreet.engine import hooks
from webstreet.mail.pump import Outcome, Result

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])


def test_sent_again_while_a_worker_takes_a_chunk(announce, subscribers, smtp, monkeypatch):
    """The worker's lease stays its own: else what it sends could not be recorded, and would be sent again."""
    subscribers(20)
    hooks.call("article_first_public", announce().uuid)
    issue = Issue.objects.get()
    ledger.freeze_audience(issue)
    rows = Delivery.objects.filter(issue=issue).order_by("pk")
    rows.filter(pk__in=list(rows.values_list("pk", flat=True)[:5])).update(state="failed", attempts=1)
    settle, asked, leases, errors = ledger._settle, threading.Event(), [], []

    def work() -> None:
        try:
            asked.wait(30)
            leases.append(ledger.claim_chunk(issue))
        except Exception as error:  # noqa: BLE001 shown below
            errors.append(error)
        finally:
            connections.close_all()

    worker = threading.Thread(target=work)

    def slowly(*chunk: int) -> None:
        asked.set()
        worker.join(0.5)  # On SQLite it waits for us.
        settle(*chunk)

    worker.start()
    monkeypatch.setattr(ledger, "_settle", slowly)
    assert ledger.try_again(issue, ["failed"]) == 5
    worker.join(30)
    assert errors == []
    assert all(lease.mine.exists() for lease in leases if lease is not None), "a lease that a worker has is its own"


@pytest.mark.parametrize("answered", [3, 6], ids=["some", "all"])
def test_late_answer_between_the_look_and_the_mark(announce, subscribers, smtp, monkeypatch, answered):
    """Who has it, as the former holder of the lease says at this very moment, does not get it again; and holds nobody up."""
    subscribers(6)
    hooks.call("article_first_public", announce().uuid)
    issue = Issue.objects.get()
    ledger.freeze_audience(issue)
    first = ledger.claim_chunk(issue)
    rows = ledger.claim_batch(first)
    Chunk.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    ledger.take_over_expired(issue, resend=True)
    second, look, calls = ledger.claim_chunk(issue), ledger._waiting, []

    def answered_meanwhile(*arguments):
        found = look(*arguments)
        if not calls:
            calls.append(arguments)
            sent = [Result(row.delivery_id, Outcome.SENT, "250 2.0.0") for row in rows[:answered]]
            unsent = [Result(row.delivery_id, Outcome.UNSENT) for row in rows[answered:]]
            ledger.record(first, rows, sent + unsent, resend_uncertain=True)
        return found

    monkeypatch.setattr(ledger, "_waiting", answered_meanwhile)
    again = ledger.claim_batch(second)
    assert [row.delivery_id for row in again] == [row.delivery_id for row in rows[answered:]]
    if again:
        unsent = [Result(row.delivery_id, Outcome.UNSENT) for row in again]
        ledger.record(second, again, unsent, resend_uncertain=True)
    assert second.open == []
    ledger.release(second)
    states = list(Delivery.objects.order_by("pk").values_list("state", flat=True))
    assert states == ["sent"] * answered + ["queued"] * (6 - answered)
    chunk = Chunk.objects.get()
    assert (chunk.lease_token, chunk.sending_from, chunk.closed) == ("", None, answered == 6)


def test_a_retry_that_falls_due_between_the_look_and_the_mark(announce, subscribers, smtp, monkeypatch):
    """Nothing was sent to that one: when the worker is lost, it is not uncertain."""
    subscribers(3)
    hooks.call("article_first_public", announce().uuid)
    issue = Issue.objects.get()
    ledger.freeze_audience(issue)
    waits = Delivery.objects.order_by("pk")[1].pk
    due_at, look = timezone.now() + dt.timedelta(milliseconds=400), ledger._waiting
    Delivery.objects.filter(pk=waits).update(state="deferred", attempts=1, due_at=due_at)

    def until_it_is_due(*arguments):
        found = look(*arguments)
        while timezone.now() <= due_at:
            pass
        return found

    monkeypatch.setattr(ledger, "_waiting", until_it_is_due)
    lease = ledger.claim_chunk(issue)
    assert waits not in {row.delivery_id for row in ledger.claim_batch(lease)}
    Chunk.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    ledger.take_over_expired(issue)
    row = Delivery.objects.get(pk=waits)
    assert (row.state, row.attempts) == ("deferred", 1)
    assert set(Delivery.objects.exclude(pk=waits).values_list("state", flat=True)) == {"uncertain"}
