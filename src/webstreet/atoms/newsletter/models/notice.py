"""Mails to one person that somebody waits for: confirmation, welcome, what a person asked for, an editor's test."""

from __future__ import annotations

import datetime as dt
from typing import Self

from django.db import models
from django.db.models import F
from django.utils import timezone

from webstreet.atoms.newsletter.models.base import Plain
from webstreet.atoms.newsletter.models.issue import Issue
from webstreet.atoms.newsletter.models.subscriber import Subscriber
from webstreet.mail.address import ADDRESS_MAX

CLAIM = dt.timedelta(minutes=3)
"""How long a worker may take for one mail before another may try."""
ATTEMPTS = 10


class Waiting(Plain):
    """One mail to be sent. Open while neither sent nor given up."""

    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    given_up_at = models.DateTimeField(null=True, blank=True)
    code = models.CharField(max_length=40, blank=True, default="")

    class Meta(Plain.Meta):
        abstract = True

    @classmethod
    def open(cls) -> models.QuerySet[Self]:
        return cls._default_manager.filter(sent_at=None, given_up_at=None)

    @classmethod
    def claim(cls, pk: int) -> Self | None:
        """Take an open mail that is due, for `CLAIM`; None when another has it or it is done."""
        now = timezone.now()
        taken = cls.open().filter(pk=pk, due_at__lte=now).update(due_at=now + CLAIM, attempts=F("attempts") + 1)
        return cls._default_manager.filter(pk=pk).first() if taken else None

    def was_sent(self, code: str) -> None:
        self.sent_at, self.code = timezone.now(), code
        self._end("sent_at")

    def give_up(self, code: str) -> None:
        self.given_up_at, self.code = timezone.now(), code
        self._end("given_up_at")

    def _end(self, field: str) -> None:
        self.save(update_fields=[field, "code"])

    def go_on(self) -> None:
        """Nothing was tried yet, as the connection is still being opened: due at once, and no attempt."""
        self.due_at, self.attempts = timezone.now(), self.attempts - 1
        self.save(update_fields=["due_at", "attempts"])

    def go_on_waiting(self) -> None:
        """The mail server has it and is still thinking: nobody else may try."""
        now = timezone.now()
        if self.due_at - now < CLAIM / 2:
            self.due_at = now + CLAIM
            self.save(update_fields=["due_at"])

    def try_later(self, code: str) -> None:
        """Next attempt after 15 s, doubling to an hour; given up after `ATTEMPTS`."""
        if self.attempts >= ATTEMPTS:
            self.give_up(code)
            return
        self.due_at = timezone.now() + dt.timedelta(seconds=min(15 * 2 ** (self.attempts - 1), 3600))
        self.code = code
        self.save(update_fields=["due_at", "code"])


class Notice(Waiting):
    """A mail to a subscriber.

    Attributes:
        email: where it goes when that is not the subscriber's address: a new one that is to be confirmed, the one that was left.
            Emptied with the mail's end.
    """

    class Kind(models.TextChoices):
        CONFIRM = "confirm"
        WELCOME = "welcome"
        ADDRESS = "address"
        MOVED = "moved"
        DATA = "data"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="notices")
    email = models.CharField(max_length=ADDRESS_MAX, null=True, blank=True)

    class Meta(Plain.Meta):
        abstract = False
        indexes = [models.Index(fields=["sent_at", "given_up_at", "due_at"], name="newsletter_notice_open")]

    def _end(self, field: str) -> None:
        self.email = None
        self.save(update_fields=[field, "code", "email"])


class TestMail(Waiting):
    """An issue as a test, to an address that an editor gave; no part of the issue's ledger. Forgotten after a day.

    ``asked_by`` is a plain number: users live in another database.
    """

    # Not a test of ours, whatever its name makes pytest think.
    __test__ = False

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="tests")
    email = models.CharField(max_length=ADDRESS_MAX)
    asked_by = models.BigIntegerField(null=True, blank=True)
