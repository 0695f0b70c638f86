"""Content that becomes public for the first time is handed over once, whatever happens in between."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.db import transaction
from django.utils import timezone

from webstreet.engine import hooks
from webstreet.engine.announcements import FirstPublic, became_public, hand_over_left
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
