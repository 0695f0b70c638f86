"""What it costs to know whether an issue does harm: what came back is counted seldom, and not for what went well."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth import get_user_model
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from webstreet.atoms.newsletter import events_webhook, harm
from webstreet.atoms.newsletter.events import Kind, Mail, Told
from webstreet.atoms.newsletter.models import Chunk, Issue, MailingList
from webstreet.atoms.newsletter.models.base import alias
from webstreet.engine.tasks import ticks
from webstreet.mail.pump import Outcome, Result
from webstreet.mail.reason import Reason

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])


@pytest.fixture
def issue() -> Issue:
    """One of which 21 mails are gone and one is not."""
    now = timezone.now()
    made = Issue.objects.create(
        article_uuid=uuid.uuid4(), mailing_list=MailingList.main(), subject="Rain", started_at=now, frozen_at=now
    )
    Chunk.objects.create(issue=made, number=0, due_at=now, total=22, sent=21)
    return made


def asked(what: Callable[[], object], words: str = "COUNT(DISTINCT") -> int:
    """Queries with these words; counting the mails that events are about is in no other."""
    with CaptureQueriesContext(connections[alias()]) as queries:
        what()
    return sum(words in query["sql"] for query in queries)


def test_only_what_may_stop_an_issue_has_it_looked_at(issue):
    def told(kind: Kind, delivery: int) -> object:
        mail = Mail(issue_id=issue.pk, delivery_id=delivery)
        return events_webhook.write_down("webhook", [Told("webhook", f"{kind}{delivery}", kind, mail, timezone.now())])

    for kind in (Kind.DELIVERED, Kind.SOFT, Kind.UNSUBSCRIBED):
        assert asked(lambda kind=kind: told(kind, 1)) == 0
    for kind in (Kind.HARD, Kind.COMPLAINT):
        assert asked(lambda kind=kind: told(kind, 2)) == 2
    Chunk.objects.update(sent=22, closed=True)
    assert asked(lambda: told(Kind.COMPLAINT, 3)) == 0, "there is nothing left to pause"


@pytest.fixture
def unhurried(monkeypatch) -> Iterator[None]:
    """However short it takes to look at an issue, the next look at it is far away."""
    monkeypatch.setattr(harm, "SHARE", 1e-9)
    # Numbers of issues come again in tests.
    harm._not_before.clear()
    yield
    harm._noted.clear()
    harm._not_before.clear()


def batches(issue: Issue) -> None:
    for _ in range(10):
        harm.note_answers(issue.pk, [], [Result(1, Outcome.FAILED, "550 5.1.1", reason=Reason.RECIPIENT)])


def test_however_many_batches_there_are_it_is_looked_at_now_and_then_and_after_the_last(issue, unhurried):
    tick = ticks["webstreet.atoms.newsletter.harm.check_noted"].run
    assert asked(lambda: batches(issue)) == 2, "at once, and then not again"
    assert asked(tick) == 0, "it is not time yet"
    harm._not_before.clear()
    assert asked(tick) == 2
    harm._not_before.clear()
    assert asked(tick) == 0, "nothing came since"


def test_what_could_not_be_looked_at_is_looked_at_later(issue, unhurried, monkeypatch, caplog):
    def broken(issue_ids):
        raise OSError("s0@example.org")

    with monkeypatch.context() as patch:
        patch.setattr(harm, "check_all", broken)
        batches(issue)
    harm._not_before.clear()
    assert "limits.not_checked" in caplog.text
    assert "s0@" not in caplog.text
    assert asked(harm.check_noted) == 2


def test_a_page_that_is_asked_for_every_second_counts_nobody_who_got_theirs(issue):
    web = Client(HTTP_HOST="blog.example.com")
    web.force_login(get_user_model().objects.create_superuser("editor", "editor@example.com", "x"))
    mails = [Mail(issue_id=issue.pk, delivery_id=n) for n in (1, 2)]
    for kind, mail in ((Kind.DELIVERED, mails[0]), (Kind.COMPLAINT, mails[1])):
        events_webhook.write_down("webhook", [Told("webhook", kind, kind, mail, timezone.now())])
    url = f"/admin/newsletter/issues/{issue.pk}/status/"
    shown: list[str] = []

    def look() -> None:
        shown.append(web.get(url).content.decode())

    assert asked(look, "'delivered'") == 0
    assert "Reported as spam" in shown[0]
    assert ">Delivered<" not in shown[0]
    Chunk.objects.update(sent=22, closed=True)
    assert asked(look, "'delivered'") == 1
    assert ">Delivered<" in shown[1]
    assert "data-settled" in shown[1], "it asks no more"
