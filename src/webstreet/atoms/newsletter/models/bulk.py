"""One action on many subscribers, done in the background."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from webstreet.atoms.newsletter.models.base import Plain
from webstreet.atoms.newsletter.models.lists import MailingList


class BulkJob(Plain):
    """What an editor asked for, how far it is. The filter may hold words from an address or a name, so it lies here and not in a task's
    arguments.

    Attributes:
        filters: the list's filter, when everything that matches is meant; ``ids``: else the chosen subscribers.
        why: the words of the editor, of what asks for some; gone when it is done, as each person's record has them.
        cursor: id of the last subscriber that was looked at; ``last_id``: who came after the order is not meant.
        total: how many were meant when it was asked for. ``done``: changed. ``passed``: looked at, and there was nothing to do.
    """

    class Verb(models.TextChoices):
        UNSUBSCRIBE = "unsubscribe", _("Unsubscribe")
        JOIN = "join", _("Put on a list")
        LEAVE = "leave", _("Take off a list")
        REMOVE = "remove", _("Remove")
        LIFT = "lift", _("Write again")

    verb = models.CharField(max_length=12, choices=Verb.choices)
    filters = models.JSONField(default=dict)
    ids = models.JSONField(default=list)
    mailing_list = models.ForeignKey(MailingList, null=True, on_delete=models.CASCADE, related_name="+")
    user_id = models.BigIntegerField(null=True, blank=True)
    why = models.CharField(max_length=300, blank=True, null=True)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    passed = models.PositiveIntegerField(default=0)
    cursor = models.BigIntegerField(default=0)
    last_id = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    woken_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    @property
    def percent(self) -> int:
        return 100 if self.finished_at or not self.total else min(99, (self.done + self.passed) * 100 // self.total)

    @classmethod
    def open(cls) -> models.QuerySet[Any]:
        return cls.objects.filter(finished_at=None)
