"""The delivery ledger: one row for each recipient of an issue, and chunks of rows that carry the leases."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from webstreet.atoms.newsletter.models.base import Plain
from webstreet.atoms.newsletter.models.issue import Issue
from webstreet.atoms.newsletter.models.subscriber import Subscriber


class State(models.TextChoices):
    """What became of one recipient.

    ``claimed`` and ``sending`` are not stored in a row: it is ``queued`` in a chunk that a worker holds a lease on, and there outside or
    inside what the chunk marks (`counting.Mark`). Nor is ``held``: a row that is ``deferred``, was never tried and has the code `LIMIT`.
    """

    QUEUED = "queued", _("Queued")
    HELD = "held", _("Waiting for its turn")
    SENDING = "sending", _("Sending")
    SENT = "sent", _("Sent")
    DEFERRED = "deferred", _("Deferred")
    FAILED = "failed", _("Failed")
    SUPPRESSED = "suppressed", _("Left out")
    UNCERTAIN = "uncertain", _("Uncertain")


LIMIT = "limit"
"""Code of who waits because of a limit: it is nobody's fault and no attempt. ``due_at`` is the turn."""
OPEN = (State.QUEUED, State.SENDING, State.DEFERRED)
"""States that still change by themselves."""


class Chunk(Plain):
    """Up to a thousand ledger rows of an issue, leased together: cheaper than a lease a row. Closed when none of them is open.

    Attributes:
        sending_from, sending_to: ids of the first and the last row that the holder may have sent bytes of and not yet recorded; written
            before the bytes leave, at ``marked_at``. So a claim touches no delivery row. Null: nothing is under way.
        held: how many of the ``deferred`` wait for their turn.
        total: how many rows; null: `sent` to `uncertain` were not counted yet. They are, whenever a lease is given back.
    """

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="chunks")
    number = models.PositiveIntegerField()
    closed = models.BooleanField(default=False)
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.CharField(max_length=32, blank=True, default="")
    sending_from = models.BigIntegerField(null=True, blank=True)
    sending_to = models.BigIntegerField(null=True, blank=True)
    marked_at = models.DateTimeField(null=True, blank=True)
    total = models.PositiveIntegerField(null=True, blank=True)
    sent = models.PositiveIntegerField(null=True, blank=True)
    deferred = models.PositiveIntegerField(null=True, blank=True)
    held = models.PositiveIntegerField(null=True, blank=True)
    failed = models.PositiveIntegerField(null=True, blank=True)
    suppressed = models.PositiveIntegerField(null=True, blank=True)
    uncertain = models.PositiveIntegerField(null=True, blank=True)

    class Meta(Plain.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["issue", "number"], name="newsletter_chunk_once")]
        indexes = [models.Index(fields=["closed", "due_at"], name="newsletter_chunk_due")]


class Delivery(Plain):
    """One recipient of one issue. The row outlives the person: removing a subscriber leaves the count.

    Attributes:
        number: of the chunk.
        attempts: how often it was tried; also fences off a worker that answers after its lease was given away.
        code: the server's code and enhanced code, or a fact of ours ("unsubscribed", "cancelled").
        reply: what the server said when it refused, without any address; null when it said nothing.
    """

    # No index of its own, and no other on what changes: two indexes begin with the issue, and PostgreSQL then updates in place.
    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    subscriber = models.ForeignKey(Subscriber, null=True, on_delete=models.SET_NULL, related_name="deliveries")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    code = models.CharField(max_length=40, blank=True, default="")
    reply = models.CharField(max_length=200, null=True, blank=True)
    changed_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True)

    class Meta(Plain.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["issue", "subscriber"], name="newsletter_delivery_once")]
        indexes = [models.Index(fields=["issue", "number"], name="newsletter_delivery_chunk")]
