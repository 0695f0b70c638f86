"""Content that becomes public for the first time is handed over once, whatever happens in between."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.db import transaction
from django.utils import timezone

from webstreet.contract.template import shipped_template
from webstreet.engine import hooks
from webstreet.engine import site as this_site
from webstreet.engine.announcements import FirstPublic, became_public, by_schedule, hand_over_left, scheduled_for
from webstreet.engine.imports import ImportContext
from webstreet.engine.imports.content import Content
from webstreet.engine.tasks import set_back
from webstreet.engine.tasks.worker import drain

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "newsletter"]),
    pytest.mark.requirement("P4"),
]


@pytest.fixture
def told(monkeypatch):
    found: list[uuid.UUID] = []
    monkeypatch.setattr(hooks, "_receivers", {"article_first_public": [(0, 0, found.append)]})
    return found


def test_the_first_time_only(told):
    one = uuid.uuid4()
    with transaction.atomic():
        assert became_public(one)
        assert told == []
    for _ in range(3):
        assert not became_public(one)
    drain()
    assert told == [one]
    hand_over_left()
    drain()
    assert told == [one]


def test_one_from_before_the_clock_was_set_back_is_handed_over(told):
    one = uuid.uuid4()
    FirstPublic.objects.create(uuid=one, created_at=timezone.now() + dt.timedelta(days=1))
    hand_over_left()
    drain()
    assert told == [one]


def test_a_rolled_back_publication_is_not_handed_over(told):
    with transaction.atomic():
        became_public(uuid.uuid4())
        transaction.set_rollback(True)
    drain()
    assert told == []
    assert not FirstPublic.objects.exists()


def test_suppressed_is_for_ever(told):
    one = uuid.uuid4()
    became_public(one, suppressed=True)
    assert not became_public(one)
    FirstPublic.objects.update(created_at=timezone.now() - dt.timedelta(hours=1))
    hand_over_left()
    drain()
    assert told == []


def test_a_lost_task_is_found_by_the_tick(told):
    one = uuid.uuid4()
    FirstPublic.objects.create(uuid=one, created_at=timezone.now() - dt.timedelta(minutes=1))
    hand_over_left()
    drain()
    assert told == [one]
    assert FirstPublic.objects.get().handed_over_at is not None


def test_a_receiver_that_fails_is_asked_again(monkeypatch):
    asked = []

    def receiver(one):
        asked.append(one)
        if len(asked) == 1:
            raise RuntimeError("not now")

    monkeypatch.setattr(hooks, "_receivers", {"article_first_public": [(0, 0, receiver)]})
    became_public(uuid.uuid4())
    drain()
    FirstPublic.objects.update(created_at=timezone.now() - dt.timedelta(minutes=1))
    hand_over_left()
    drain()
    assert len(asked) == 2
    assert FirstPublic.objects.get().handed_over_at is not None


def test_what_the_schedule_publishes_knows_when_it_was_due(told):
    due, planned, first, edited, failed = timezone.now() - dt.timedelta(days=1), *(uuid.uuid4() for _ in range(4))
    became_public(first, go_live_at=due)
    with by_schedule():
        became_public(planned, go_live_at=due)
        became_public(first, go_live_at=due)
        became_public(edited)
    with pytest.raises(RuntimeError), by_schedule():
        raise RuntimeError("one of them cannot be published")
    became_public(failed, go_live_at=due)
    assert [scheduled_for(one) for one in (planned, first, edited, failed, uuid.uuid4())] == [
        due,
        None,
        None,
        None,
        None,
    ]


def test_archives_made_before_it_was_noted_are_read(told):
    hooks.call("starter_content", this_site.current(), shipped_template("publication"))
    now = timezone.now().isoformat()
    old = {"uuid": str(uuid.uuid4()), "created_at": now, "handed_over_at": now, "suppressed": False}
    planned = old | {"uuid": str(uuid.uuid4()), "scheduled_for": "2026-11-20T10:00:00Z"}
    Content(ImportContext("webstreet")).take("first-public", iter([dict(old), dict(planned)]))
    assert scheduled_for(uuid.UUID(old["uuid"])) is None
    assert scheduled_for(uuid.UUID(planned["uuid"])) == dt.datetime(2026, 11, 20, 10, tzinfo=dt.UTC)


def test_a_schedule_stays_what_a_person_chose_when_the_clock_is_set_back():
    content, now = uuid.uuid4(), timezone.now()
    FirstPublic.objects.create(uuid=content, scheduled_for=now + dt.timedelta(days=2))
    assert set_back.bring_to(now)
    assert scheduled_for(content) == now + dt.timedelta(days=2)
