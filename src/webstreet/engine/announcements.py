"""Telling other atoms, at least once, that some content became public for the first time.

`FirstPublic` is an outbox: its row is written in the transaction that makes the content public, so it exists if and only if
the content does. A task hands it over soon after commit; a tick hands over what a crash or a full queue left behind.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import uuid as uuids
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass

from django.db import models
from django.utils import timezone

from webstreet.engine import hooks
from webstreet.engine.tasks import enqueue_on_commit, every, task

LEFT_AFTER_S = 10
_schedule_at_work: ContextVar[bool] = ContextVar("schedule_at_work", default=False)


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a mail about some content says.

    Attributes:
        url, cover_url: absolute; cover_url is empty when there is none.
        excerpt: plain text; the introduction, else the first words of the body.
        intro: plain text, what the author wrote to stand before the body; empty if nothing.
        body_html: sanitised, with absolute links.
        language: BCP 47.
        author: shown name; empty if none.
    """

    uuid: uuids.UUID
    title: str
    url: str
    excerpt: str
    body_html: str
    language: str
    cover_url: str
    published_at: dt.datetime
    author: str = ""
    intro: str = ""


class FirstPublic(models.Model):
    """One row for each content that was ever live and public.

    Attributes:
        suppressed: known, but nobody is told (imports).
        scheduled_for: when the schedule was to make it public; null unless the schedule did. What a person publishes may well carry the
            date of a schedule that is long past.
    """

    uuid = models.UUIDField(unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    scheduled_for = models.DateTimeField(null=True, blank=True)
    handed_over_at = models.DateTimeField(null=True, blank=True)
    suppressed = models.BooleanField(default=False)

    class Meta:
        app_label = "engine"
        indexes = [models.Index(fields=["handed_over_at", "created_at"], name="engine_firstpublic_left")]

    wagtail_reference_index_ignore = True

    def __str__(self) -> str:
        return f"First public {self.uuid}"


@contextlib.contextmanager
def by_schedule() -> Iterator[None]:
    """Around whatever publishes because its time has come, and not because somebody asks for it now."""
    before = _schedule_at_work.set(True)
    try:
        yield
    finally:
        _schedule_at_work.reset(before)


def became_public(uuid: uuids.UUID, *, suppressed: bool = False, go_live_at: dt.datetime | None = None) -> bool:
    """Note that content is live and public; call inside the transaction that makes it so, as often as you like.

    Args:
        go_live_at: the date that the content carries for a schedule; noted when the schedule publishes it (`by_schedule`).

    Returns:
        Whether this was the first time ever.
    """
    due = go_live_at if _schedule_at_work.get() else None
    _, created = FirstPublic.objects.get_or_create(uuid=uuid, defaults={"suppressed": suppressed, "scheduled_for": due})
    if created and not suppressed:
        enqueue_on_commit(hand_over, str(uuid))
    return created


def scheduled_for(uuid: uuids.UUID) -> dt.datetime | None:
    """When the schedule was to make content public; None when a person did."""
    return FirstPublic.objects.filter(uuid=uuid).values_list("scheduled_for", flat=True).first()


@task(queue="interactive")
def hand_over(uuid: str) -> None:
    """Tell every receiver of ``article_first_public``, then note that they know."""
    waiting = FirstPublic.objects.filter(uuid=uuid, handed_over_at=None, suppressed=False)
    if not waiting.exists():
        return
    hooks.call("article_first_public", uuids.UUID(uuid))
    waiting.update(handed_over_at=timezone.now())


@every(10)
def hand_over_left() -> None:
    """Enqueue again what should have been handed over by now."""
    now = timezone.now()
    # Not those of this moment; one from the future is from before the clock was set back.
    fresh = (now - dt.timedelta(seconds=LEFT_AFTER_S), now)
    left = FirstPublic.objects.filter(handed_over_at=None, suppressed=False).exclude(created_at__range=fresh)
    for uuid in left.order_by("created_at").values_list("uuid", flat=True)[:100]:
        hand_over.enqueue(str(uuid))
