"""Event: one line of the journal."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models
from django.utils.translation import gettext_lazy as _

from webstreet.kernel.errors import Broken


class JournalClosed(Broken):
    """Somebody tried to change or delete a line of the journal."""

    code = "journal.append_only"


class EventQuerySet(models.QuerySet["Event"]):
    def update(self, **_values: Any) -> NoReturn:
        raise JournalClosed("The journal is append-only: a line cannot be changed.")

    def delete(self) -> NoReturn:
        raise JournalClosed("The journal is append-only: a line cannot be deleted.")


class Event(models.Model):
    """One line of the journal: who did what to which object, and when.

    Clients and objects are named by text and not by key, so that a line still tells its story when they are gone.
    """

    at = models.DateTimeField(_("when"), auto_now_add=True, db_index=True)
    who = models.CharField(_("who"), max_length=120)
    what = models.CharField(_("what"), max_length=60, db_index=True)
    client = models.CharField(_("client"), max_length=40, blank=True, db_index=True)
    object = models.CharField(_("object"), max_length=120, blank=True, db_index=True)
    detail = models.JSONField(_("detail"), default=dict, blank=True)

    objects = EventQuerySet.as_manager()

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("journal")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.what} {self.object}".strip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise JournalClosed("The journal is append-only: a line cannot be changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise JournalClosed("The journal is append-only: a line cannot be deleted.")


def note(who: str, what: str, *, client: str = "", object: str = "", **detail: Any) -> Event:
    """Write one line. ``what`` is ``noun.done`` (``site.opened``); ``detail`` holds plain values, never a secret."""
    return Event.objects.create(who=who[:120], what=what, client=client, object=object[:120], detail=detail)
