"""Mails to one person that somebody waits for: confirmation and welcome."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.db.models import F
from django.utils import timezone

from webstreet.atoms.newsletter.models.base import Plain
from webstreet.atoms.newsletter.models.subscriber import Subscriber

CLAIM = dt.timedelta(minutes=3)
"""How long a worker may take for one notice before another may try."""
ATTEMPTS = 10


class Notice(Plain):
    """One mail to be sent. Open while neither sent nor given up."""

    class Kind(models.TextChoices):
        CONFIRM = "confirm"
        WELCOME = "welcome"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="notices")
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    given_up_at = models.DateTimeField(null=True, blank=True)
    code = models.CharField(max_length=40, blank=True, default="")

    class Meta(Plain.Meta):
        abstract = False
        indexes = [models.Index(fields=["sent_at", "given_up_at", "due_at"], name="newsletter_notice_open")]

    @classmethod
    def open(cls) -> models.QuerySet[Notice]:
        return cls.objects.filter(sent_at=None, given_up_at=None)

    @classmethod
    def claim(cls, pk: int) -> Notice | None:
        """Take an open notice that is due, for `CLAIM`; None when another has it or it is done."""
        now = timezone.now()
        taken = cls.open().filter(pk=pk, due_at__lte=now).update(due_at=now + CLAIM, attempts=F("attempts") + 1)
        return cls.objects.select_related("subscriber").get(pk=pk) if taken else None

    def was_sent(self, code: str) -> None:
        self.sent_at, self.code = timezone.now(), code
        self.save(update_fields=["sent_at", "code"])

    def give_up(self, code: str) -> None:
        self.given_up_at, self.code = timezone.now(), code
        self.save(update_fields=["given_up_at", "code"])

    def go_on(self) -> None:
        """Nothing was tried yet, as the connection is still being opened: due at once, and no attempt."""
        self.due_at, self.attempts = timezone.now(), self.attempts - 1
        self.save(update_fields=["due_at", "attempts"])

    def try_later(self, code: str) -> None:
        """Next attempt after 15 s, doubling to an hour; given up after `ATTEMPTS`."""
        if self.attempts >= ATTEMPTS:
            self.give_up(code)
            return
        self.due_at = timezone.now() + dt.timedelta(seconds=min(15 * 2 ** (self.attempts - 1), 3600))
        self.code = code
        self.save(update_fields=["due_at", "code"])
