"""What a stranger asked for, before anything is done about it."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.db.models import F
from django.utils import timezone

from webstreet.atoms.newsletter.models.base import Plain, atomic
from webstreet.mail.address import ADDRESS_MAX


class SignUp(Plain):
    """One accepted request. The page answers once this row is written; what follows, known address or not, happens in a worker,
    so that the time of the answer tells nothing. The row is deleted when it is done.
    """

    email = models.CharField(max_length=ADDRESS_MAX)
    name = models.CharField(max_length=100, blank=True, default="")
    language = models.CharField(max_length=10, blank=True, default="")
    source = models.CharField(max_length=60)
    network = models.CharField(max_length=50, blank=True, default="")
    text_version = models.CharField(max_length=40)
    text = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)


class DataRequest(Plain):
    """Somebody asked for what is kept about an address. Written whether the address is known or not, as a `SignUp` is, and deleted
    when it is done.
    """

    email = models.CharField(max_length=ADDRESS_MAX)
    language = models.CharField(max_length=10, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)


class Throttle(Plain):
    """How often something was asked for in one window of time. ``key`` is a keyed hash."""

    key = models.CharField(max_length=64)
    window = models.DateTimeField(db_index=True)
    count = models.PositiveIntegerField(default=0)

    class Meta(Plain.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["key", "window"], name="newsletter_throttle_once")]

    @classmethod
    def bump(cls, key: str, seconds: int, *, now: dt.datetime | None = None) -> int:
        """Count one more in the current window of ``seconds``; the count so far, this one included."""
        moment = now or timezone.now()
        start = int(moment.timestamp()) // seconds * seconds
        window = dt.datetime.fromtimestamp(start, tz=dt.UTC)
        with atomic():
            row, _created = cls.objects.get_or_create(key=key, window=window)
            cls.objects.filter(pk=row.pk).update(count=F("count") + 1)
            return cls.objects.values_list("count", flat=True).get(pk=row.pk)
