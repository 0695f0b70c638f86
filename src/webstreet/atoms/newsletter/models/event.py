"""What became of mails after a server had taken them, or instead of it: bounces, complaints, deliveries. Append-only."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from webstreet.atoms.newsletter.models.base import Plain
from webstreet.atoms.newsletter.models.issue import Issue
from webstreet.atoms.newsletter.models.subscriber import Subscriber


class Event(Plain):
    """One thing that was told about one mail. Nothing changes or deletes a row, except that erasing a person takes the person and the
    server's words out of it; so every count stays.

    Attributes:
        key: keyed hash of who told it and of the name they gave it: the same event told twice is one row.
        at: when it happened, as far as it was told; ``noted_at``: when we heard of it.
        source: ``reply`` (the mail server, at once), ``mailbox`` (a report that came back), ``webhook``, or a provider's name.
        delivery_id: of the ledger. A plain number, as the ledger's rows go when an issue is archived.
        code: what the server answered, "550 5.1.1"; ``reason``: a `webstreet.mail.reason.Reason`; ``reply``: its words, without addresses.
    """

    class Kind(models.TextChoices):
        HARD = "hard", _("Bounced for good")
        SOFT = "soft", _("Bounced for now")
        COMPLAINT = "complaint", _("Reported as spam")
        DELIVERED = "delivered", _("Delivered")
        UNSUBSCRIBED = "unsubscribed", _("Unsubscribed at the provider")

    key = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    at = models.DateTimeField(default=timezone.now)
    noted_at = models.DateTimeField(default=timezone.now)
    source = models.CharField(max_length=20)
    issue = models.ForeignKey(Issue, null=True, on_delete=models.SET_NULL, related_name="events", db_index=False)
    subscriber = models.ForeignKey(
        Subscriber, null=True, on_delete=models.SET_NULL, related_name="events", db_index=False
    )
    delivery_id = models.BigIntegerField(null=True, blank=True)
    code = models.CharField(max_length=40, blank=True, default="")
    reason = models.CharField(max_length=20, blank=True, default="")
    reply = models.CharField(max_length=200, null=True, blank=True)

    class Meta(Plain.Meta):
        abstract = False
        indexes = [
            models.Index(fields=["issue", "kind", "delivery_id"], name="newsletter_event_issue"),
            models.Index(fields=["subscriber", "kind", "at"], name="newsletter_event_person"),
        ]

    @staticmethod
    def key_of(source: str, name: str) -> str:
        text = f"newsletter:event:{source}:{name}"
        return hmac.new(settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


class EventSource(Plain):
    """A place that events come from, and how it fares. Counts only: what was not about a mail of ours leaves nothing else.

    Attributes:
        name: ``mailbox``, ``webhook``, a provider.
        taken: events that were written; ``other``: messages that report nothing; ``forged``: reports about no mail that we sent.
        trouble: code of what went wrong last; empty when it works. ``lease_until``: somebody is reading it.
    """

    MAILBOX = "mailbox"

    name = models.CharField(max_length=20, unique=True)
    looked_at = models.DateTimeField(null=True, blank=True)
    taken = models.PositiveBigIntegerField(default=0)
    other = models.PositiveBigIntegerField(default=0)
    forged = models.PositiveBigIntegerField(default=0)
    trouble = models.CharField(max_length=40, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)

    @classmethod
    def count(cls, name: str, *, taken: int = 0, other: int = 0, forged: int = 0) -> None:
        """Add to a source's counts; it works."""
        row, _created = cls.objects.get_or_create(name=name)
        cls.objects.filter(pk=row.pk).update(
            taken=F("taken") + taken,
            other=F("other") + other,
            forged=F("forged") + forged,
            looked_at=timezone.now(),
            trouble="",
        )

    @classmethod
    def works(cls, name: str, within: dt.timedelta) -> bool:
        """Whether it could be read the last time, and that was no longer ago."""
        return cls.objects.filter(name=name, trouble="", looked_at__gte=timezone.now() - within).exists()

    @classmethod
    def fail(cls, name: str, code: str) -> bool:
        """Note that it cannot be read; whether that is news."""
        row, _created = cls.objects.get_or_create(name=name)
        news = cls.objects.filter(pk=row.pk).exclude(trouble=code).update(trouble=code[:40])
        cls.objects.filter(pk=row.pk).update(looked_at=timezone.now())
        return bool(news)

    @classmethod
    def claim(cls, name: str, seconds: float) -> bool:
        """Take the lease of a source, so that one worker reads it at a time; False: another one has it."""
        row, _created = cls.objects.get_or_create(name=name)
        now = timezone.now()
        free = Q(lease_until=None) | Q(lease_until__lt=now)
        # One from far in the future is from before the clock was set back.
        free |= Q(lease_until__gt=now + dt.timedelta(seconds=2 * seconds))
        until = now + dt.timedelta(seconds=seconds)
        return bool(cls.objects.filter(free, pk=row.pk).update(lease_until=until))

    @classmethod
    def release(cls, name: str) -> None:
        cls.objects.filter(name=name).update(lease_until=None)
