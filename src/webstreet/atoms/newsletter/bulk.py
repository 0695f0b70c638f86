"""The subscribers' list: its filters, and actions on all that match, there or on the suppression list, done in the background."""

from __future__ import annotations

import dataclasses
import datetime as dt
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date

from webstreet.atoms.newsletter import actions, personal_data, suppression
from webstreet.atoms.newsletter.models.base import atomic
from webstreet.atoms.newsletter.models.bulk import BulkJob
from webstreet.atoms.newsletter.models.change import Change
from webstreet.atoms.newsletter.models.lists import MailingList, Membership
from webstreet.atoms.newsletter.models.subscriber import ConsentRecord, Subscriber
from webstreet.atoms.newsletter.suppression import Listed
from webstreet.mail.address import normal_address
from webstreet.mail.errors import AddressInvalid

STEP_ROWS = 100
NAMED_MAX = 500


@dataclass(frozen=True, slots=True)
class Filters:
    """What of the list is shown. Kept in the page's address; what makes no sense there is as if it were missing.

    Attributes:
        q: part of an address or of a name. since, until: the first and last day (UTC) of being added, ISO 8601.
    """

    q: str = ""
    status: str = ""
    list: str = ""
    source: str = ""
    language: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Filters:
        # PostgreSQL takes no NUL.
        values = {f.name: str(given.get(f.name, "")).replace("\0", "").strip()[:254] for f in dataclasses.fields(cls)}
        if values["status"] not in Subscriber.Status.values:
            values["status"] = ""
        for name in ("since", "until"):
            values[name] = values[name] if _day(values[name]) else ""
        return cls(**values)

    def as_dict(self) -> dict[str, str]:
        return {name: value for name, value in dataclasses.asdict(self).items() if value}

    def query(self, **changes: str) -> str:
        """The filters as a query string, some of them changed."""
        return urlencode({name: value for name, value in {**self.as_dict(), **changes}.items() if value})

    @property
    def only_status(self) -> bool:
        return not set(self.as_dict()) - {"status"}

    def apply(self, rows: QuerySet[Subscriber]) -> QuerySet[Subscriber]:
        same = {name: getattr(self, name) for name in ("status", "source", "language") if getattr(self, name)}
        rows = rows.filter(**same)
        if self.list:
            mine = Membership.objects.filter(subscriber=OuterRef("pk"), mailing_list__key=self.list)
            rows = rows.filter(Exists(mine))
        since, until = _day(self.since), _day(self.until)
        if since:
            rows = rows.filter(created_at__gte=since)
        if until:
            rows = rows.filter(created_at__lt=until + dt.timedelta(days=1))
        if self.q:
            wanted = Q(email__icontains=self.q.lower()) | Q(name__icontains=self.q)
            with suppress(AddressInvalid):
                wanted |= Q(email=normal_address(self.q))
            rows = rows.filter(wanted)
        return rows


def _day(text: str) -> dt.datetime | None:
    try:
        found = parse_date(text)
    except ValueError:
        return None
    return dt.datetime(found.year, found.month, found.day, tzinfo=dt.UTC) if found else None


# -- Jobs ------------------------------------------------------------------------------------------------------------
def begin(
    verb: str,
    *,
    filters: Filters | Listed | None,
    ids: list[int],
    by: int | None,
    mailing_list: MailingList | None = None,
    why: str = "",
) -> BulkJob:
    """Write down what is to be done with those who match now; nothing is changed yet. A search that finds few may be somebody's address or
    name: who it found is kept instead, so that a job that waits keeps nothing of a person who is erased meanwhile.

    Args:
        filters: all that match; None: the ``ids`` only.
    """
    job = BulkJob(verb=verb, mailing_list=mailing_list, user_id=by, why=why)
    job.filters, job.ids = (filters.as_dict(), []) if filters is not None else ({}, sorted(set(ids)))
    rows = meant(job)
    if filters is not None and filters.q:
        found = list(rows.order_by("pk").values_list("pk", flat=True)[: NAMED_MAX + 1])
        if 0 < len(found) <= NAMED_MAX:
            job.filters, job.ids = {}, found
            rows = meant(job)
    last = rows.order_by("-pk").values_list("pk", flat=True).first()
    job.total, job.last_id = rows.count(), last or 0
    job.save()
    return job


def meant(job: BulkJob) -> QuerySet[Subscriber]:
    rows = Subscriber.objects.all()
    is_lift = job.verb == BulkJob.Verb.LIFT
    if job.ids:
        rows = rows.filter(pk__in=job.ids)
    else:
        rows = (Listed.read(job.filters) if is_lift else Filters.read(job.filters)).apply(rows)
    return suppression.liftable(rows) if is_lift else rows


def step(job_id: int, *, budget_s: float) -> bool:
    """Go on with a job for ``budget_s`` seconds; whether more is left. Several workers may try: each part is done once."""
    deadline = time.monotonic() + budget_s
    while True:
        with atomic():
            job = BulkJob.open().select_for_update().filter(pk=job_id).first()
            if job is None:
                return False
            rows = list(meant(job).filter(pk__gt=job.cursor, pk__lte=job.last_id).order_by("pk")[:STEP_ROWS])
            for row in rows:
                if _do(job, row):
                    job.done += 1
                else:
                    job.passed += 1
            job.woken_at = timezone.now()
            if rows:
                job.cursor = rows[-1].pk
            if len(rows) < STEP_ROWS:
                # What is done needs no filter any more, and a filter may hold an address.
                job.finished_at, job.filters, job.ids, job.why = job.woken_at, {}, [], ""
            job.save()
        if job.finished_at:
            return False
        if time.monotonic() >= deadline:
            return True


def _do(job: BulkJob, row: Subscriber) -> bool:
    """Whether there was something to do."""
    if job.verb == BulkJob.Verb.REMOVE:
        personal_data.erase(row, by=job.user_id)
        return True
    if job.verb == BulkJob.Verb.LIFT:
        try:
            suppression.lift(row, why=job.why or "", by=job.user_id)
        except suppression.NotLiftable:
            return False
        return True
    if job.verb == BulkJob.Verb.UNSUBSCRIBE:
        if row.status not in (Subscriber.Status.ACTIVE, Subscriber.Status.PENDING):
            return False
        actions.unsubscribe(row, source="editor")
        Change.note(Change.Verb.UNSUBSCRIBED, row, by=job.user_id)
        return True
    return _on_list(job, row)


def _on_list(job: BulkJob, row: Subscriber) -> bool:
    assert job.mailing_list is not None  # noqa: S101 the form asks for one
    if job.verb == BulkJob.Verb.JOIN:
        if not row.is_active:
            return False
        _membership, created = Membership.objects.get_or_create(mailing_list=job.mailing_list, subscriber=row)
        if created:
            row.note_consent(ConsentRecord.Event.LISTS, text=job.mailing_list.title, source="editor")
            Change.note(Change.Verb.LISTED, row, by=job.user_id)
        return created
    left, _by_model = row.memberships.filter(mailing_list=job.mailing_list).delete()
    if left:
        row.note_consent(ConsentRecord.Event.LISTS, source="editor")
        Change.note(Change.Verb.UNLISTED, row, by=job.user_id)
    return bool(left)
