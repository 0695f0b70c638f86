"""What the limits of sending remember: buckets, providers that asked for less, who waits for a turn, what a
person let pass, an issue's pace."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import models
from django.db.models import F
from django.utils import timezone

from webstreet.atoms.newsletter.models.base import Plain
from webstreet.atoms.newsletter.models.issue import Issue

FAMILY_MAX = 254


class Bucket(Plain):
    """A token bucket, see `webstreet.mail.buckets`; ``at`` is in seconds since the epoch, by the database's clock."""

    name = models.CharField(max_length=80, primary_key=True)
    spent = models.FloatField(default=0.0)
    at = models.FloatField(default=0.0)


class SlowDown(Plain):
    """A provider (a family, see `webstreet.mail.families`) said that it gets too much.

    Attributes:
        steps: how often its rate was halved. One step less counts for each `pacing.RECOVER` that is over after ``since``.
        code: of the reply that said so, last.
    """

    family = models.CharField(max_length=FAMILY_MAX, unique=True)
    steps = models.PositiveSmallIntegerField(default=0)
    since = models.DateTimeField()
    code = models.CharField(max_length=40, blank=True, default="")


class Queue(Plain):
    """Recipients of one family that wait for their turn in an issue.

    Attributes:
        due_at: the turn of the last of them that has one.
        weight: how many were made to wait: its share of all who do.
    """

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="queues", db_index=False)
    family = models.CharField(max_length=FAMILY_MAX)
    due_at = models.DateTimeField()
    weight = models.BigIntegerField(default=0)

    class Meta(Plain.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["issue", "family"], name="newsletter_queue_once")]


class Looked(Plain):
    """Where an issue stood when a person let it go on after it had paused itself: that is not held against the rest of it.

    Attributes:
        accepted, refused, bounced, complained: as `webstreet.atoms.newsletter.events.Rates` counts them.
    """

    issue = models.OneToOneField(Issue, on_delete=models.CASCADE, related_name="looked")
    accepted = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    bounced = models.PositiveIntegerField(default=0)
    complained = models.PositiveIntegerField(default=0)


class Pace(Plain):
    """How many mails of an issue got an answer in ten seconds. ``slot``: seconds since the epoch, divided by `SLOT_S`."""

    SLOT_S = 10
    KEPT = dt.timedelta(days=30)

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="paces", db_index=False)
    slot = models.BigIntegerField()
    count = models.PositiveIntegerField(default=0)

    class Meta(Plain.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["issue", "slot"], name="newsletter_pace_once")]

    @classmethod
    def note(cls, issue: Issue, count: int) -> None:
        slot = cls.slot_of(timezone.now())
        mine: dict[str, Any] = {"issue": issue, "slot": slot}
        if count and not cls.objects.filter(**mine).update(count=F("count") + count):
            cls.objects.get_or_create(**mine)
            cls.objects.filter(**mine).update(count=F("count") + count)

    @classmethod
    def recent(cls, issue: Issue, now: dt.datetime) -> float:
        """Mails a second in the last minute, or since they began to go; 0 when none went."""
        slot = cls.slot_of(now)
        found = dict(cls.objects.filter(issue=issue, slot__range=(slot - 6, slot)).values_list("slot", "count"))
        if not found:
            return 0.0
        seconds = now.timestamp() - min(found) * cls.SLOT_S
        return sum(found.values()) / max(1.0, seconds)

    @classmethod
    def slot_of(cls, moment: dt.datetime) -> int:
        return int(moment.timestamp()) // cls.SLOT_S
