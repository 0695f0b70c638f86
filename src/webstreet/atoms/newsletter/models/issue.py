"""An issue: one article on its way to one list."""

from __future__ import annotations

import datetime as dt
import secrets
import uuid
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from webstreet.atoms.newsletter.models.base import Plain
from webstreet.atoms.newsletter.models.lists import MailingList


class IssueState(models.TextChoices):
    """Derived, never stored: see `Issue.state`."""

    DRAFT = "draft", _("Draft")
    PREPARING = "preparing", _("Preparing")
    SENDING = "sending", _("Sending")
    WAITING = "waiting", _("Waiting for the mail server")
    PAUSED = "paused", _("Paused")
    CANCELLED = "cancelled", _("Cancelled")
    FINISHED = "finished", _("Finished")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many recipients are in which state; always adds up to the audience."""

    queued: int = 0
    claimed: int = 0
    sending: int = 0
    sent: int = 0
    deferred: int = 0
    failed: int = 0
    suppressed: int = 0
    uncertain: int = 0

    @property
    def total(self) -> int:
        return self.decided + self.open

    @property
    def open(self) -> int:
        return self.queued + self.claimed + self.sending + self.deferred

    @property
    def decided(self) -> int:
        return self.sent + self.failed + self.suppressed + self.uncertain

    @property
    def percent(self) -> int:
        return 100 if not self.total else self.decided * 100 // self.total


class Issue(Plain):
    """One mailing about one article; unique on the article, so that nothing is ever announced twice.

    Attributes:
        key: names the issue in Message-IDs and Feedback-IDs.
        subject, html, text: frozen at the start, with holes for what differs by recipient (`webstreet.mail.message.hole`).
        frozen_at: when the audience was written into the ledger.
        chain: names the one chain of steps that is valid; a task of another one ends itself. ``woken_at``: its last sign of life.
        trouble: code of what the mail server said last; empty when it works. ``due_at``: not before.
    """

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    article_uuid = models.UUIDField(unique=True)
    mailing_list = models.ForeignKey(MailingList, on_delete=models.PROTECT, related_name="issues")
    language = models.CharField(max_length=10, blank=True, default="")
    subject = models.CharField(max_length=300, blank=True, default="")
    article_url = models.CharField(max_length=2000, blank=True, default="")
    html = models.TextField(blank=True, default="")
    text = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    frozen_at = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    audience = models.PositiveIntegerField(default=0)
    trouble = models.CharField(max_length=40, blank=True, default="")
    trouble_count = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    chain = models.CharField(max_length=16, blank=True, default="")
    woken_at = models.DateTimeField(null=True, blank=True)

    @property
    def counts(self) -> Counts:
        """Counted now; one query over the issue's ledger and one over its leases."""
        rows = dict(self.deliveries.values_list("state").annotate(n=Count("id")))
        leased = self.chunks.filter(closed=False, lease_until__gt=timezone.now()).values_list("number", flat=True)
        claimed = self.deliveries.filter(number__in=list(leased), state="queued").count()
        rows["queued"] = max(0, rows.get("queued", 0) - claimed)
        return Counts(claimed=claimed, **rows)

    @property
    def is_finished(self) -> bool:
        """Computed: the audience is written, no chunk is open and no lease runs."""
        return self.frozen_at is not None and not self.chunks.filter(closed=False).exists()

    @property
    def state(self) -> Any:
        """An `IssueState`."""
        if self.started_at is None:
            return IssueState.CANCELLED if self.cancelled_at else IssueState.DRAFT
        if self.cancelled_at:
            return IssueState.CANCELLED
        if self.is_finished:
            return IssueState.FINISHED
        if self.paused_at:
            return IssueState.PAUSED
        if self.frozen_at is None:
            return IssueState.PREPARING
        return IssueState.WAITING if self.trouble and self.due_at > timezone.now() else IssueState.SENDING

    @property
    def may_send(self) -> bool:
        return self.started_at is not None and self.paused_at is None and self.cancelled_at is None

    @classmethod
    def due(cls, now: dt.datetime) -> models.QuerySet[Issue]:
        """Issues that a worker should be at: started, not paused, and not all in the ledger or with an open chunk that is due."""
        waiting = Q(frozen_at=None) | Q(chunks__closed=False, chunks__due_at__lte=now)
        # A cancelled issue still closes its ledger.
        running = Q(paused_at=None) | Q(cancelled_at__isnull=False)
        return (
            cls.objects.filter(running, waiting, started_at__isnull=False, due_at__lte=now)
            .exclude(frozen_at=None, cancelled_at__isnull=False)
            .distinct()
        )

    def new_chain(self) -> str:
        """Start a chain of steps and end every other one; its name."""
        chain = secrets.token_hex(8)
        type(self).objects.filter(pk=self.pk).update(chain=chain, woken_at=timezone.now())
        return chain

    def alive(self) -> None:
        type(self).objects.filter(pk=self.pk).update(woken_at=timezone.now())

    def pause(self, *, reason: str = "") -> bool:
        """Send nothing more until `resume`; whether it was sending."""
        return bool(self._running().filter(paused_at=None).update(paused_at=timezone.now(), trouble=reason))

    def resume(self) -> bool:
        return bool(
            self._running()
            .exclude(paused_at=None)
            .update(paused_at=None, trouble="", trouble_count=0, due_at=timezone.now())
        )

    def cancel(self) -> bool:
        """Send nothing more, ever. What is in flight is still recorded."""
        return bool(
            type(self)
            .objects.filter(pk=self.pk, cancelled_at=None)
            .update(cancelled_at=timezone.now(), due_at=timezone.now())
        )

    def _running(self) -> models.QuerySet[Issue]:
        return type(self).objects.filter(pk=self.pk, started_at__isnull=False, cancelled_at=None)

    def wait_for_server(self, code: str) -> None:
        """Back off: 10 s, doubling to 10 minutes, for the whole issue; no recipient is blamed."""
        self.refresh_from_db(fields=["trouble_count"])
        delay = min(10 * 2**self.trouble_count, 600)
        type(self).objects.filter(pk=self.pk).update(
            trouble=code,
            trouble_count=min(self.trouble_count + 1, 20),
            due_at=timezone.now() + dt.timedelta(seconds=delay),
        )

    def server_works(self) -> None:
        if self.trouble or self.trouble_count:
            type(self).objects.filter(pk=self.pk, paused_at=None).update(trouble="", trouble_count=0)
            self.trouble, self.trouble_count = "", 0
