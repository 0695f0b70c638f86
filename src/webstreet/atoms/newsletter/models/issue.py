"""An issue: one article on its way to one list."""

from __future__ import annotations

import datetime as dt
import secrets
import uuid
from typing import Any

from django.db import connections, models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from webstreet.atoms.newsletter.models import counting
from webstreet.atoms.newsletter.models.base import Plain, alias
from webstreet.atoms.newsletter.models.counting import Counts
from webstreet.atoms.newsletter.models.lists import MailingList


class IssueState(models.TextChoices):
    """Derived, never stored: see `Issue.state`."""

    DRAFT = "draft", _("Draft")
    PREPARING = "preparing", _("Preparing")
    SENDING = "sending", _("Sending")
    WAITING = "waiting", _("Waiting for the mail server")
    HELD = "held", _("Waiting for its hour")
    PAUSED = "paused", _("Paused")
    CANCELLED = "cancelled", _("Cancelled")
    FINISHED = "finished", _("Finished")


HELD_FOR_LONG = ("quiet", "warm_up")


class Issue(Plain):
    """One mailing about one article; unique on the article, so that nothing is ever announced twice.

    Attributes:
        key: names the issue in Message-IDs and Feedback-IDs.
        subject, html, text: frozen at the start, with holes for what differs by recipient (`webstreet.mail.message.hole`).
        audience: recipients written into the ledger; complete at ``frozen_at``. Until then it goes on after the subscriber
            ``prepared_to``, up to ``prepared_last``: who joined after the start is not of it.
        lanes: how many workers were called to it.
        archived_at: when its ledger became ``totals`` (states by name; ``first`` and ``last``: when mails were accepted).
        chain: names the one chain of steps that is valid; a task of another one ends itself. ``woken_at``: its last sign of life.
        held: why nothing goes before ``due_at`` although the mail server works (`webstreet.atoms.newsletter.pacing.Hold`); null: it goes.
        hurried_at: when somebody said that quiet hours and warm-up do not count for it.
        overdue_since: when the schedule was to publish its article, if the site came to it so late that an editor is asked first; null for
            all others.
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
    prepared_to = models.BigIntegerField(null=True, blank=True)
    prepared_last = models.BigIntegerField(null=True, blank=True)
    lanes = models.PositiveSmallIntegerField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    totals = models.JSONField(null=True, blank=True)
    trouble = models.CharField(max_length=40, blank=True, default="")
    trouble_count = models.PositiveIntegerField(default=0)
    held = models.CharField(max_length=20, null=True, blank=True)
    hurried_at = models.DateTimeField(null=True, blank=True)
    overdue_since = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(default=timezone.now)
    chain = models.CharField(max_length=16, blank=True, default="")
    woken_at = models.DateTimeField(null=True, blank=True)

    @property
    def counts(self) -> Counts:
        """What each chunk counted when its lease was given back, and the rows of those that are leased now; see `counting`."""
        return counting.counts_of(self)

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
        if self.due_at <= timezone.now():
            return IssueState.SENDING
        if self.trouble:
            return IssueState.WAITING
        # A limit by the second only makes it slower.
        return IssueState.HELD if self.held in HELD_FOR_LONG else IssueState.SENDING

    @property
    def may_send(self) -> bool:
        return self.started_at is not None and self.paused_at is None and self.cancelled_at is None

    @classmethod
    def undecided(cls) -> models.QuerySet[Issue]:
        """Drafts that wait for an editor because the site came to their schedule too late."""
        return cls.objects.filter(overdue_since__isnull=False, started_at=None, cancelled_at=None)

    @classmethod
    def due(cls, now: dt.datetime) -> models.QuerySet[Issue]:
        """Issues that a worker should be at: started, not paused, and not all in the ledger or with an open chunk that is due."""
        # A cancelled issue still closes its ledger, and waits for nobody who was deferred.
        open_now = Q(chunks__due_at__lte=now) | Q(cancelled_at__isnull=False)
        waiting = Q(frozen_at=None, cancelled_at=None) | Q(open_now, chunks__closed=False)
        running = Q(paused_at=None) | Q(cancelled_at__isnull=False)
        return cls.objects.filter(running, waiting, started_at__isnull=False, due_at__lte=now).distinct()

    def new_chain(self, lanes: int = 1) -> str:
        """Start a chain of steps, for ``lanes`` workers at once, and end every other one; its name."""
        chain = secrets.token_hex(8)
        type(self).objects.filter(pk=self.pk).update(chain=chain, lanes=lanes, woken_at=timezone.now())
        return chain

    def alive(self) -> None:
        type(self).objects.filter(pk=self.pk).update(woken_at=timezone.now())

    @classmethod
    def locked(cls) -> models.QuerySet[Issue]:
        """For update; where the database can, so that chunks which refer to it may be written meanwhile."""
        features = connections[alias()].features
        return cls.objects.select_for_update(no_key=features.has_select_for_no_key_update)

    def pause(self, *, reason: str = "") -> bool:
        """Send nothing more until `resume`; whether it was sending."""
        return bool(self._running().filter(paused_at=None).update(paused_at=timezone.now(), trouble=reason))

    def resume(self) -> bool:
        return bool(
            self._running()
            .exclude(paused_at=None)
            .update(paused_at=None, trouble="", trouble_count=0, held=None, due_at=timezone.now())
        )

    def hold(self, code: str, until: dt.datetime) -> None:
        """Send nothing before ``until``; somebody who resumes or cancels it meanwhile is right."""
        changed = self._running().filter(paused_at=None, due_at__lte=timezone.now()).update(held=code, due_at=until)
        if changed:
            self.held, self.due_at = code, until

    def go_on(self) -> None:
        """What held it is over."""
        if self.held:
            self._running().filter(due_at__lte=timezone.now()).update(held=None)
            self.held = None

    def hurry(self) -> bool:
        """Send now, whatever the hour and the day's share of the warm-up."""
        rows = self._running().filter(paused_at=None, hurried_at=None)
        now = timezone.now()
        return bool(rows.update(hurried_at=now, held=None, due_at=now))

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
        """Back off: 10 s, doubling to 10 minutes, for the whole issue; no recipient is blamed. Several workers that meet it are one.

        Somebody who pauses or cancels it meanwhile is right.
        """
        self.refresh_from_db(fields=["trouble_count"])
        now, delay = timezone.now(), min(10 * 2**self.trouble_count, 600)
        self._running().filter(paused_at=None, due_at__lte=now, trouble_count=self.trouble_count).update(
            trouble=code,
            trouble_count=min(self.trouble_count + 1, 20),
            due_at=now + dt.timedelta(seconds=delay),
        )

    @classmethod
    def slow_server_works(cls, pk: int) -> None:
        """It answered about a message that it thought about for long: nobody waits for its other connections any more."""
        waiting = cls.objects.filter(pk=pk, paused_at=None, cancelled_at=None, trouble="mail_server.slow")
        waiting.update(trouble="", trouble_count=0, due_at=timezone.now())

    def server_works(self) -> None:
        if self.trouble or self.trouble_count:
            type(self).objects.filter(pk=self.pk, paused_at=None).update(trouble="", trouble_count=0)
            self.trouble, self.trouble_count = "", 0
