"""An old issue keeps its totals, and nothing about who."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from webstreet.atoms.newsletter import archive, ledger, tasks
from webstreet.atoms.newsletter.models import Chunk, Delivery, Issue, Subscriber
from webstreet.atoms.newsletter.models.base import atomic
from webstreet.testing.smtp import Behaviour

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])


@pytest.fixture
def issue(announce, subscribers, smtp, drain, monkeypatch) -> Issue:
    """Sent to 50, of whom one does not exist and one left."""
    from webstreet.atoms.newsletter.receivers import article_first_public

    monkeypatch.setattr(ledger, "CHUNK_SIZE", 20)
    monkeypatch.setattr(archive, "ROWS", 7)
    made = subscribers(50)
    smtp.behaviour = Behaviour(recipients={"s3@example.org": "550 5.2.0 not taken"})
    article_first_public(announce("Rain", language="en").uuid)
    found = Issue.objects.get()
    ledger.freeze_audience(found)
    Subscriber.objects.filter(pk=made[5].pk).update(status="unsubscribed")
    drain()
    return found


def grow_old(days: int) -> None:
    Issue.objects.update(started_at=timezone.now() - dt.timedelta(days=days))


@pytest.mark.requirement("P4", "H4")
def test_after_its_days_an_issue_keeps_its_totals_alone(issue, drain, parameters):
    parameters(ledger_days=30)
    before = Issue.objects.get().counts
    assert (before.sent, before.failed, before.suppressed, before.total) == (48, 1, 1, 50)
    grow_old(29)
    tasks.archive_old()
    drain()
    assert (Delivery.objects.count(), Issue.objects.get().archived_at) == (50, None)
    grow_old(31)
    tasks.archive_old()
    drain()
    assert (Delivery.objects.count(), Chunk.objects.count()) == (0, 0)
    found = Issue.objects.get()
    assert (found.counts, str(found.state)) == (before, "finished")
    assert ledger.try_again(found, ledger.RETRIED) == 0
    archived_at = found.archived_at
    tasks.archive_old()
    drain()
    assert Issue.objects.get().archived_at == archived_at, "again is fine"
    editor = Client(HTTP_HOST="blog.example.com")
    editor.force_login(get_user_model().objects.create_superuser("editor", "editor@example.org", "x"))
    page = editor.get(f"/admin/newsletter/issues/{found.pk}/").content.decode()
    assert "how many is kept, not who" in page
    assert "Last mail accepted" in page or "First mail accepted" in page
    assert "Try again" not in page
    assert (
        "how many is kept, not who" in editor.get(f"/admin/newsletter/issues/{found.pk}/recipients/").content.decode()
    )


def test_what_was_begun_is_finished_and_what_still_goes_out_is_kept(issue, drain, parameters):
    parameters(ledger_days=30)
    grow_old(31)
    assert archive.step(issue.pk, budget_s=0), "the totals alone"
    before = Issue.objects.get().counts
    assert Delivery.objects.count() == 50
    tasks.archive_old()
    drain()
    assert (Delivery.objects.count(), Issue.objects.get().counts) == (0, before)


def test_an_issue_that_is_not_over_is_not_archived(issue, parameters):
    parameters(ledger_days=30)
    grow_old(31)
    Chunk.objects.filter(number=0).update(closed=False)
    assert not archive.due(timezone.now()).exists()
    assert not archive.step(issue.pk, budget_s=1)
    assert Delivery.objects.count() == 50


def test_who_is_tried_again_in_between_is_not_forgotten(issue, parameters, monkeypatch):
    parameters(ledger_days=30)
    grow_old(31)

    def after_trying_again():
        monkeypatch.setattr(archive, "atomic", atomic)
        assert ledger.try_again(issue, ledger.RETRIED) == 1
        return atomic()

    monkeypatch.setattr(archive, "atomic", after_trying_again)
    assert not archive.step(issue.pk, budget_s=1)
    assert (Issue.objects.get().archived_at, Delivery.objects.count()) == (None, 50)


def test_totals_are_right_also_when_an_older_release_left_the_counts_at_nothing(issue, drain, parameters):
    parameters(ledger_days=30)
    before = Issue.objects.get().counts
    issue.chunks.update(sent=0, failed=0, suppressed=0, uncertain=None)
    assert Issue.objects.get().counts.queued == 50
    grow_old(31)
    tasks.archive_old()
    drain()
    found = Issue.objects.get()
    assert (found.counts, Delivery.objects.count()) == (before, 0)
    assert found.totals["first"] <= found.totals["last"]
