"""The admin's own log. Django's and Wagtail's would write ``str(object)`` into the default database."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from webstreet.atoms.newsletter.models.base import Plain


class Change(Plain):
    """Who did what to which row. ``user_id`` is a plain number: users live in another database. Append-only; an
    erased person's rows lose ``why``, what the editor wrote."""

    class Verb(models.TextChoices):
        CREATED = "created", _("Made")
        STARTED = "started", _("Started")
        PAUSED = "paused", _("Paused")
        RESUMED = "resumed", _("Resumed")
        CANCELLED = "cancelled", _("Cancelled")
        HURRIED = "hurried", _("Sent at once, whatever the hour")
        AGAIN = "again", _("Uncertain mails sent again")
        RETRIED = "retried", _("Tried again")
        TESTED = "tested", _("Test mail sent")
        ADDED = "added", _("Added")
        CHANGED = "changed", _("Changed")
        UNSUBSCRIBED = "unsubscribed", _("Unsubscribed")
        REMOVED = "removed", _("Removed")
        ERASED = "erased", _("Erased at their own wish")
        LISTED = "listed", _("Put on a list")
        UNLISTED = "unlisted", _("Taken off a list")
        BARRED = "barred", _("Barred from mail")
        LIFTED = "lifted", _("May be written to again")

    at = models.DateTimeField(default=timezone.now)
    user_id = models.BigIntegerField(null=True, blank=True)
    noun = models.CharField(max_length=20)
    noun_id = models.BigIntegerField()
    verb = models.CharField(max_length=20, choices=Verb.choices)
    why = models.CharField(max_length=300, blank=True, null=True)

    class Meta(Plain.Meta):
        abstract = False
        indexes = [models.Index(fields=["noun", "noun_id", "id"], name="newsletter_change_noun")]

    @classmethod
    def note(cls, verb: Any, row: models.Model, *, by: int | None, why: str = "") -> None:
        """Add one line. ``verb`` is a `Verb`; ``by`` the user's id, None for the site itself; ``why``: that user's words."""
        cls.objects.create(user_id=by, noun=type(row).__name__.lower(), noun_id=row.pk, verb=verb, why=why)
