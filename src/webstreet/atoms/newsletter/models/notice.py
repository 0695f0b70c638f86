"""Mails to one person that somebody waits for: confirmation, welcome, what a person asked for, an editor's test."""

from __future__ import annotations

import datetime as dt
from typing import Self

from django.db import models
from django.utils import timezone

from webstreet.atoms.newsletter.models.base import Plain
from webstreet.atoms.newsletter.models.issue import Issue
from webstreet.atoms.newsletter.models.subscriber import Subscriber
from webstreet.mail.address import ADDRESS_MAX

CLAIM = dt.timedelta(minutes=3)
"""How long a worker may take for one mail before another may try."""
ATTEMPTS = 10
"""Of those in which a word was said about this recipient, or the mail may have arrived: a mail server that is away is nobody's fault."""
AGAIN_MIN, AGAIN_MAX = dt.timedelta(seconds=15), dt.timedelta(minutes=10)
"""When the mail server is tried again."""
FORGOTTEN = dt.timedelta(days=7)
"""After it a mail that was asked for comes too late: who gets a link so late does not know why. The link counts from when it leaves."""
FORGOTTEN_AT_LAST = dt.timedelta(days=30)
"""The same for what says only that something was done."""
REPLACED, UNSUBSCRIBED = "replaced", "unsubscribed"


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
        taken = cls.open().filter(pk=pk, due_at__lte=now).update(due_at=now + CLAIM)
        return cls._default_manager.filter(pk=pk).first() if taken else None

    def was_sent(self, code: str) -> None:
        self.sent_at, self.code = timezone.now(), code
        self._end("sent_at")

    def give_up(self, code: str) -> None:
        self.given_up_at, self.code = timezone.now(), code
        self._end("given_up_at")

    def _end(self, field: str) -> None:
        self.save(update_fields=[field, "code", "attempts"])

    def go_on(self) -> None:
        """Nothing was tried yet, as the connection is still being opened: due at once."""
        self.due_at = timezone.now()
        self.save(update_fields=["due_at"])

    def go_on_waiting(self) -> None:
        """The mail server has it and is still thinking: nobody else may try."""
        now = timezone.now()
        if self.due_at - now < CLAIM / 2:
            self.due_at = now + CLAIM
            self.save(update_fields=["due_at"])

    def try_later(self, code: str) -> None:
        """Next attempt after 15 s, doubling to an hour; given up after `ATTEMPTS`."""
        self.attempts += 1
        if self.attempts >= ATTEMPTS:
            self.give_up(code)
            return
        self.due_at = timezone.now() + dt.timedelta(seconds=min(15 * 2 ** (self.attempts - 1), 3600))
        self.code = code
        self.save(update_fields=["due_at", "code", "attempts"])

    @property
    def has_not_left(self) -> bool:
        """It was tried, and nothing of it can have reached anybody."""
        return bool(self.code) and not self.attempts

    @property
    def is_too_late(self) -> bool:
        """Whether to wait longer for the mail server makes no sense."""
        return False

    def wait_for_server(self, code: str) -> None:
        """Nothing was said about this recipient, so it is no attempt. Tried again after as long as it waits already, `AGAIN_MIN` to
        `AGAIN_MAX`; given up once it `is_too_late`.
        """
        if self.is_too_late:
            self.give_up(code)
            return
        now = timezone.now()
        self.due_at, self.code = now + min(max(now - self.created_at, AGAIN_MIN), AGAIN_MAX), code
        # Somebody may have ended it meanwhile.
        type(self).open().filter(pk=self.pk).update(due_at=self.due_at, code=code)


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

    ASKED_FOR = (Kind.CONFIRM, Kind.ADDRESS, Kind.DATA)
    """Somebody waits for a link in it."""

    kind = models.CharField(max_length=10, choices=Kind.choices)
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="notices")
    email = models.CharField(max_length=ADDRESS_MAX, null=True, blank=True)

    class Meta(Plain.Meta):
        abstract = False
        indexes = [models.Index(fields=["sent_at", "given_up_at", "due_at"], name="newsletter_notice_open")]

    @classmethod
    def replace(cls, kind: str, subscriber: Subscriber, *, email: str | None = None) -> Notice:
        """The only open one of its kind: whoever asked before, and still waits, gets one mail."""
        earlier = cls.open().filter(subscriber=subscriber, kind=kind)
        earlier.update(given_up_at=timezone.now(), code=REPLACED, email=None)
        return cls.objects.create(kind=kind, subscriber=subscriber, email=email)

    @property
    def is_too_late(self) -> bool:
        limit = FORGOTTEN if self.kind in self.ASKED_FOR else FORGOTTEN_AT_LAST
        return timezone.now() - self.created_at > limit

    def _end(self, field: str) -> None:
        self.email = None
        self.save(update_fields=[field, "code", "attempts", "email"])


class TestMail(Waiting):
    """An issue as a test, to an address that an editor gave; no part of the issue's ledger. Forgotten after a day.

    ``asked_by`` is a plain number: users live in another database.
    """

    # Not a test of ours, whatever its name makes pytest think.
    __test__ = False

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="tests")
    email = models.CharField(max_length=ADDRESS_MAX)
    asked_by = models.BigIntegerField(null=True, blank=True)
