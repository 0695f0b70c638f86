"""The start of an issue: every worker is called, and the first mails leave while the audience is still written down."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest
from django.utils import timezone

from webstreet.atoms.newsletter import freezing, ledger, tasks
from webstreet.atoms.newsletter.models import Delivery, Issue, Subscriber
from webstreet.engine import hooks
from webstreet.engine.tasks.heartbeat import WorkerSeen

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])


def publish(announcement) -> None:
    hooks.call("article_first_public", announcement.uuid)


def arrived(smtp) -> Counter[str]:
    return Counter(address for message in smtp.messages for address in message.recipients)


def test_every_worker_is_called_to_an_issue_also_one_that_comes_later(announce, subscribers, smtp, drain, queue):
    subscribers(2)
    for number in range(3):
        WorkerSeen.objects.create(name=f"elsewhere:{number}:0")
    publish(announce())
    assert len(queue) == 3
    WorkerSeen.objects.create(name="elsewhere:3:0")
    tasks.find_left_work()
    assert Issue.objects.get().lanes == 4
    assert len(queue) == 7
    drain()
    assert len(queue) == 0, "the chains of before end themselves"
    assert arrived(smtp) == Counter({"s0@example.org": 1, "s1@example.org": 1})


def test_an_issue_has_no_more_tasks_than_workers_once_some_are_gone(announce, subscribers, smtp, drain, queue):
    """A task that only waits would end every step of the others."""
    subscribers(2)
    for number in range(3):
        WorkerSeen.objects.create(name=f"elsewhere:{number}:0")
    publish(announce())
    WorkerSeen.objects.exclude(name="elsewhere:0:0").delete()
    tasks.find_left_work()
    issue = Issue.objects.get()
    assert issue.lanes == 1
    assert len(queue) == 4
    tasks.find_left_work()
    assert len(queue) == 4, "once"
    drain()
    assert (len(queue), Issue.objects.get().state) == (0, "finished")
    assert arrived(smtp) == Counter({"s0@example.org": 1, "s1@example.org": 1})


@pytest.mark.requirement("P4")
def test_the_first_mails_leave_while_the_audience_is_still_written(announce, subscribers, smtp, drain, monkeypatch):
    monkeypatch.setattr(ledger, "CHUNK_SIZE", 10)
    monkeypatch.setattr(freezing, "CHUNKS", 3)
    subscribers(100)
    publish(announce())
    issue = Issue.objects.get()
    tasks.deliver_step(issue)
    issue.refresh_from_db()
    assert (issue.audience, issue.frozen_at, issue.counts.sent) == (20, None, 20)
    subscribers(5, start=100)
    Subscriber.objects.filter(email="s90@example.org").update(status="unsubscribed")
    drain()
    issue.refresh_from_db()
    assert (issue.audience, issue.counts.sent, issue.state) == (99, 99, "finished")
    assert arrived(smtp) == Counter(f"s{i}@example.org" for i in range(100) if i != 90)
    assert sorted(issue.chunks.values_list("number", flat=True)) == list(range(issue.chunks.count()))


def test_an_issue_cancelled_while_its_audience_is_written_goes_no_further(
    announce, subscribers, smtp, drain, monkeypatch
):
    monkeypatch.setattr(ledger, "CHUNK_SIZE", 10)
    subscribers(100)
    publish(announce())
    issue = Issue.objects.get()
    ledger.freeze_audience(issue, budget_s=0)
    assert issue.cancel()
    Issue.objects.update(woken_at=timezone.now() - dt.timedelta(minutes=1))
    tasks.find_left_work()
    drain()
    issue.refresh_from_db()
    assert (issue.state, smtp.messages) == ("cancelled", [])
    assert Counter(Delivery.objects.values_list("state", flat=True)) == Counter(suppressed=20)
    assert not issue.chunks.filter(closed=False).exists()
