"""Import: one file on its way into a site."""

from __future__ import annotations

import datetime as dt
import uuid
from enum import StrEnum
from pathlib import Path
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from webstreet.control.sites.models import Site


class ImportState(StrEnum):
    """Derived from what was recorded."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Import(models.Model):
    """A spooled file and what became of it. The file is gone as soon as ``finished_at`` is set."""

    client_path = "site__client"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="imports")
    source = models.CharField(_("source"), max_length=40)
    options = models.JSONField(_("options"), null=True, blank=True)
    size_bytes = models.PositiveBigIntegerField(_("size"), default=0)
    spool_name = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(_("asked for"), auto_now_add=True)
    created_by = models.CharField(_("asked for by"), max_length=120)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    progress = models.JSONField(_("progress"), default=dict)
    report = models.JSONField(_("report"), null=True, blank=True)
    failure = models.JSONField(_("failure"), null=True, blank=True)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.source} {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def state(self) -> ImportState:
        if self.finished_at is not None:
            return ImportState.FAILED if self.failure else ImportState.DONE
        return ImportState.RUNNING if self.started_at else ImportState.WAITING

    @property
    def took(self) -> dt.timedelta | None:
        return self.finished_at - self.started_at if self.started_at and self.finished_at else None

    def cancel(self) -> bool:
        """Ask for its end, whether it waits or runs; whether it had not ended."""
        unfinished = type(self).objects.filter(pk=self.pk, finished_at=None)
        return bool(unfinished.update(cancelled_at=timezone.now()))

    @property
    def is_cancelled(self) -> bool:
        """Asked of the database: somebody else's process says so."""
        return type(self).objects.filter(pk=self.pk, cancelled_at__isnull=False).exists()

    def start(self) -> None:
        self.started_at = timezone.now()
        self.attempts += 1
        self.save(update_fields=["started_at", "attempts"])

    def at(self, step: str, done: int, total: int) -> None:
        self.progress = {"step": step, "done": done, "total": total}
        self.save(update_fields=["progress"])

    def end(self, spool: Path, *, report: dict[str, Any] | None = None, failure: dict[str, Any] | None = None) -> None:
        """Record the end, then remove the file; the sweep of orphans finishes what a kill between the two left."""
        self.finished_at = timezone.now()
        self.report, self.failure = report, failure
        self.save(update_fields=["finished_at", "report", "failure"])
        if self.spool_name:
            (spool / self.spool_name).unlink(missing_ok=True)
