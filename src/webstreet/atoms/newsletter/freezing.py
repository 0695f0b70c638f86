"""Writing the audience of an issue into the ledger: who it goes to is settled at its start.

A million rows take seconds, so they are written in slices, each by one ``INSERT ... SELECT`` and a commit of its own: the first mails
leave after the first slice, and nobody waits long for a lock. The slices follow the ids of the subscribers up to the highest of the
start, so who joins after it is not of it.
"""

from __future__ import annotations

import time

from django.db import connections
from django.db.models import Max
from django.utils import timezone

from webstreet.atoms.newsletter.models.base import alias, atomic
from webstreet.atoms.newsletter.models.delivery import Chunk, State
from webstreet.atoms.newsletter.models.issue import Issue
from webstreet.atoms.newsletter.models.lists import Membership
from webstreet.atoms.newsletter.models.subscriber import Subscriber
from webstreet.engine.backends.patience import patiently

FIRST_CHUNKS, CHUNKS = 2, 20
"""Of a slice: the first is small, because somebody waits for the first mail."""


def freeze(issue: Issue, chunk_size: int, *, budget_s: float | None = None) -> bool:
    """Write what is missing of the audience; again is fine, whoever calls. Whether it is complete.

    Args:
        budget_s: go on for so long, at least one slice. None: to the end.
    """
    end = time.monotonic() + budget_s if budget_s is not None else None
    while not _slice(issue, chunk_size):
        if end is not None and time.monotonic() >= end:
            return False
    return True


def _slice(issue: Issue, chunk_size: int) -> bool:
    with patiently(), atomic():
        locked = Issue.locked().defer("html", "text").get(pk=issue.pk)
        if locked.frozen_at is not None or locked.cancelled_at is not None:
            return True
        members = Membership.objects.filter(mailing_list=locked.mailing_list_id)
        if locked.prepared_last is None:
            locked.prepared_to, locked.prepared_last = 0, members.aggregate(last=Max("subscriber_id"))["last"] or 0
        size = chunk_size * (CHUNKS if locked.audience else FIRST_CHUNKS)
        left = members.filter(subscriber_id__gt=locked.prepared_to, subscriber_id__lte=locked.prepared_last)
        last = left.order_by("subscriber_id").values_list("subscriber_id", flat=True)[size - 1 : size].first()
        upto = last if last is not None else locked.prepared_last
        locked.audience += _insert(locked, upto, chunk_size)
        locked.prepared_to = upto
        if upto >= locked.prepared_last:
            locked.frozen_at = timezone.now()
        locked.save(update_fields=["audience", "frozen_at", "prepared_to", "prepared_last"])
        return locked.frozen_at is not None


def _insert(issue: Issue, upto: int, chunk_size: int) -> int:
    """Write rows and chunks of one slice; how many rows."""
    now = timezone.now()
    highest = issue.chunks.aggregate(highest=Max("number"))["highest"]
    number = 0 if highest is None else highest + 1
    connection = connections[alias()]
    with connection.cursor() as cursor:
        values = [issue.pk, number, chunk_size, chunk_size, str(State.QUEUED)]
        values += [connection.ops.adapt_datetimefield_value(now), str(Subscriber.Status.ACTIVE), issue.mailing_list_id]
        cursor.execute(_AUDIENCE, [*values, issue.prepared_to, upto])
        count = max(0, cursor.rowcount)
    sizes = [min(chunk_size, count - start) for start in range(0, count, chunk_size)]
    Chunk.objects.bulk_create(
        Chunk(issue=issue, number=number + n, due_at=now, total=size) for n, size in enumerate(sizes)
    )
    return count


_AUDIENCE = """
INSERT INTO newsletter_delivery (issue_id, subscriber_id, number, state, attempts, code, changed_at)
SELECT %s, audience.id, %s + (audience.position - (audience.position %% %s)) / %s, %s, 0, '', %s
FROM (
  SELECT s.id AS id, ROW_NUMBER() OVER (ORDER BY s.id) - 1 AS position
  FROM newsletter_membership m JOIN newsletter_subscriber s ON s.id = m.subscriber_id
  WHERE s.status = %s AND m.mailing_list_id = %s AND m.subscriber_id > %s AND m.subscriber_id <= %s
) audience
ORDER BY audience.id
"""
