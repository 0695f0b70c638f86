"""What the worker does from time to time on behalf of Django and Wagtail."""

from __future__ import annotations

import datetime as dt
import io

from django.core.management import call_command
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from webstreet.engine import announcements, guessing
from webstreet.engine.pagecache import journal
from webstreet.engine.tasks import every

KEEP_FINISHED = dt.timedelta(days=7)


def _next_moment() -> float | None:
    state = journal.reader.current()
    return state.moment if state is not None else None


@every(10, at=_next_moment)
def publish_scheduled() -> None:
    """Publish and expire what editors scheduled: Wagtail leaves it to whoever runs this command."""
    with announcements.by_schedule():
        call_command("publish_scheduled", stdout=io.StringIO())


@every(3600)
def forget_finished_tasks() -> None:
    """Task rows are for finding out what happened last week, not last year."""
    DBTaskResult.objects.finished().filter(finished_at__lt=timezone.now() - KEEP_FINISHED).delete()


@every(86_400)
def forget_old_sessions() -> None:
    call_command("clearsessions")


@every(3600)
def forget_expired_pages() -> None:
    """How long ago which page changed is of no use to pages made since."""
    journal.forget_old()


@every(3600)
def forget_failed_logins() -> None:
    """What no longer counts need not be known."""
    guessing.forget_old()
