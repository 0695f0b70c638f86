"""An article is announced once in its life: when it is live and public for the first time."""

from __future__ import annotations

import datetime as dt
import threading
import uuid

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections, transaction
from django.utils import timezone
from wagtail.rich_text import RichText

from webstreet.engine import hooks
from webstreet.engine.announcements import FirstPublic


def queued() -> int:
    """Jobs that wait, whichever backend the suite runs on."""
    if settings.RQ_QUEUES:
        import django_rq

        return sum(len(django_rq.get_queue(name)) for name in settings.WORK_QUEUES)
    from django_tasks_db.models import DBTaskResult

    return DBTaskResult.objects.count()


def rows(article) -> int:
    return FirstPublic.objects.filter(uuid=article.uuid).count()


@pytest.mark.django_db
@pytest.mark.requirement("P4")
def test_public_private_public_and_edits_announce_once(make) -> None:
    article = make("Once")
    assert rows(article) == 1
    for visibility in ("private", "public", "archived", "public"):
        article.visibility = visibility
        article.save_revision().publish()
        article.refresh_from_db()
    article.unpublish()
    article.save_revision().publish()
    assert rows(article) == 1


@pytest.mark.django_db
def test_private_archived_and_draft_announce_nothing_until_they_are_public(make) -> None:
    for fields in ({"visibility": "private"}, {"visibility": "archived"}, {"live": False}):
        article = make(f"Not yet {fields}", **fields)
        assert rows(article) == 0
        article.visibility = "public"
        article.save_revision()
        assert rows(article) == 0, "a saved draft is not published"
        article.get_latest_revision().publish()
        assert rows(article) == 1


@pytest.mark.django_db
def test_a_scheduled_article_is_announced_when_it_goes_live(make) -> None:
    article = make("Later", live=False)
    article.go_live_at = timezone.now() + dt.timedelta(hours=1)
    article.save_revision().publish()
    assert rows(article) == 0
    revision = article.get_latest_revision()
    # An hour passes.
    revision.approved_go_live_at = timezone.now() - dt.timedelta(seconds=1)
    revision.content["go_live_at"] = revision.approved_go_live_at.isoformat()
    revision.save()
    call_command("publish_scheduled")
    article.refresh_from_db()
    assert article.live
    assert rows(article) == 1


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_publish_leaves_nothing(make) -> None:
    article = make("Undone", live=False)
    before = queued()
    with transaction.atomic():
        article.save_revision().publish()
        assert rows(article) == 1
        transaction.set_rollback(True)
    assert rows(article) == 0
    assert queued() == before
    article.refresh_from_db()
    assert not article.live


@pytest.mark.django_db(transaction=True)
def test_two_that_publish_at_once_announce_once(make) -> None:
    article = make("Together", live=False)
    revision = article.save_revision()
    before = queued()
    barrier, errors = threading.Barrier(4), []

    def publish() -> None:
        try:
            mine = type(revision).objects.get(pk=revision.pk)
            barrier.wait(10)
            mine.publish()
        except Exception as error:  # noqa: BLE001 shown by the assertion below
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=publish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert rows(article) == 1
    assert queued() == before + 1


@pytest.mark.django_db
def test_the_announcement_travels_well(make, picture) -> None:
    article = make(
        "Été",
        body=[
            ("text", RichText('<p>See <a href="/about/">this</a> <img src=x onerror=alert(1)></p>')),
            ("quote", {"text": "So", "who": "She", "source": ""}),
            ("menu", {"title": "Not in a mail"}),
        ],
        intro="Intro",
        cover=picture("cover"),
    )
    found = hooks.first("render_announcement", article.uuid)
    assert (found.title, found.excerpt, found.language) == ("Été", "Intro", "en")
    assert found.url == "https://blog.example.com/ete/"
    assert found.cover_url.startswith("https://blog.example.com/media/")
    assert 'href="https://blog.example.com/about/"' in found.body_html
    assert "onerror" not in found.body_html
    assert "Not in a mail" not in found.body_html
    article.visibility = "private"
    article.save()
    assert hooks.first("render_announcement", article.uuid) is None
    assert hooks.first("render_announcement", uuid.uuid4()) is None
