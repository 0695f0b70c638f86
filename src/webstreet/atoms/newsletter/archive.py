"""What remains of an old issue: how many got it, not who. The ledger's rows say of a person what was sent to them, so they go."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import asdict
from typing import Any

from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet
from django.utils import timezone

from webstreet.atoms.newsletter import mails
from webstreet.atoms.newsletter.models.base import atomic
from webstreet.atoms.newsletter.models.counting import Counts
from webstreet.atoms.newsletter.models.delivery import Chunk, Delivery, State
from webstreet.atoms.newsletter.models.issue import Issue

ROWS = 2000
"""That are deleted in one statement: nobody waits long for a lock."""


def due(now: dt.datetime) -> QuerySet[Issue]:
    """Issues that are over and older than the parameter ``ledger_days``; and those that were begun and have rows left."""
    chunks = Chunk.objects.filter(issue=OuterRef("pk"))
    old = Q(archived_at=None, started_at__lt=now - dt.timedelta(days=mails.parameters().ledger_days))
    over = Q(frozen_at__isnull=False) | Q(cancelled_at__isnull=False)
    begun = Q(archived_at__isnull=False) & Exists(chunks)
    return Issue.objects.filter(begun | (old & over & ~Exists(chunks.filter(closed=False))))


def step(issue_id: int, *, budget_s: float) -> bool:
    """Write the totals of an issue that is `due` and delete its rows, for so long; whether some are left. Again is fine."""
    end = time.monotonic() + budget_s
    issue = _with_totals(issue_id)
    if issue is None:
        return False
    while time.monotonic() < end:
        ids = list(issue.deliveries.order_by("number", "id").values_list("pk", flat=True)[:ROWS])
        if not ids:
            issue.chunks.all().delete()
            return False
        Delivery.objects.filter(pk__in=ids).delete()
    return True


def _with_totals(issue_id: int) -> Issue | None:
    """The issue if it is `due`; from then on it has its totals, and nobody is tried again."""
    with atomic():
        # First the lock, then the question: whoever is tried again in between is seen.
        locked = Issue.objects.select_for_update().filter(pk=issue_id).defer("html", "text").first()
        if locked is None or not due(timezone.now()).filter(pk=issue_id).exists():
            return None
        if locked.archived_at is None:
            locked.totals = _totals(locked)
            locked.archived_at = timezone.now()
            locked.save(update_fields=["totals", "archived_at"])
    return locked


def _totals(issue: Issue) -> dict[str, Any]:
    """Counted from the rows, this last time that there are any: a release before this one left chunks that were not counted."""
    totals: dict[str, Any] = asdict(Counts())
    states = issue.deliveries.order_by().values_list("state")
    for state, n, first, last in states.annotate(n=Count("id"), first=Min("changed_at"), last=Max("changed_at")):
        totals[state] = n
        if state == State.SENT:
            totals |= {"first": first.isoformat(), "last": last.isoformat()}
    return totals
