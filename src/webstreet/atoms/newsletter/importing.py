"""Subscribers from elsewhere: who agreed there is active here, with the source noted; who left or was suppressed stays so."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from webstreet.atoms.newsletter.models.base import alias, atomic
from webstreet.atoms.newsletter.models.lists import MailingList, Membership
from webstreet.atoms.newsletter.models.subscriber import ConsentRecord, Subscriber
from webstreet.atoms.newsletter.models.suppression import Suppression
from webstreet.kernel.errors import BadInput
from webstreet.mail.address import normal_address
from webstreet.mail.message import header_text

if TYPE_CHECKING:
    from webstreet.engine.imports import ImportContext, SubscriberRecord

KIND = "subscribers"
BATCH = 1000
ATTEMPTS = 3
Status = Subscriber.Status
STRICTNESS = {Status.ACTIVE: 0, Status.PENDING: 1, Status.UNSUBSCRIBED: 2, Status.SUPPRESSED: 3}
"""Of two statuses that a list gives one address, the stricter one holds."""
Event = ConsentRecord.Event
AGREED_HERE = frozenset({Event.CONFIRMED, Event.RESTORED, Event.ADDED, Event.ADDRESS})
"""What somebody said to this site in order to get mail. That a list named them is not that, whenever it was imported."""
NUMBERED_BY_FILE = frozenset({"csv"})
"""Sources whose numbers mean something in one file only: two lists both count from one, and 7 of the second is another person."""


def take(records: Iterable[SubscriberRecord], ctx: ImportContext) -> None:
    """Receiver of ``import_subscribers``: batch after batch, each all or nothing in one transaction of this atom's database.

    The same record again changes nothing (key: the address; then source and external id, which follow a changed address). Who
    unsubscribed stays unsubscribed, and nobody who was suppressed or erased comes back. A record that cannot be mailed to is reported by
    line; the reason does not repeat the address.
    """
    lists = _Lists(ctx)
    for batch in _batched(iter(records)):
        people = _people(batch, ctx)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with atomic():
                    done = _Batch(people, ctx.source, lists).carry_out()
                    if ctx.dry_run:
                        transaction.set_rollback(True, using=alias())
                break
            except IntegrityError:
                # Somebody signed up with one of these addresses meanwhile: the next look finds them.
                if attempt == ATTEMPTS:
                    raise
        done.tell(ctx)


def _batched(records: Iterator[SubscriberRecord]) -> Iterator[list[SubscriberRecord]]:
    while batch := list(itertools.islice(records, BATCH)):
        yield batch


@dataclass(slots=True)
class _Person:
    """A record with its address and name as they are kept here."""

    email: str
    name: str
    record: SubscriberRecord


def _people(batch: list[SubscriberRecord], ctx: ImportContext) -> list[_Person]:
    found: dict[str, _Person] = {}
    for record in batch:
        try:
            person = _Person(normal_address(record.email), header_text(record.name.strip(), limit=100), record)
        except BadInput as error:
            ctx.rejecting(record.line, error.message, record.external_id)
            continue
        other = found.get(person.email)
        if other is not None:
            ctx.unchanged(KIND)
            if STRICTNESS[Status(other.record.status)] >= STRICTNESS[Status(record.status)]:
                continue
        found[person.email] = person
    return list(found.values())


class _Lists:
    """The site's lists by key and title."""

    def __init__(self, ctx: ImportContext) -> None:
        self.all = MailingList.wanted()
        self._named = {name.casefold(): entry for entry in self.all for name in (entry.title, entry.key)}
        self._ctx = ctx

    def of(self, record: SubscriberRecord) -> list[MailingList]:
        """Those the record names; all where the source knows no lists. A list that is not here is reported, once."""
        if record.lists is None:
            return self.all
        found = []
        for name in record.lists:
            entry = self._named.get(name.casefold())
            if entry is not None:
                found.append(entry)
            elif "@" not in name:
                self._ctx.note(f'The site has no list "{name[:60]}": who is on it was not put on a list for it.')
        return found


@dataclass(slots=True)
class _Batch:
    """One transaction's work: looked up together, decided one by one, written together."""

    people: list[_Person]
    source: str
    lists: _Lists
    created: list[Subscriber] = field(default_factory=list)
    changed: list[Subscriber] = field(default_factory=list)
    unchanged: int = 0
    erased: list[SubscriberRecord] = field(default_factory=list)
    joining: list[tuple[Subscriber, list[MailingList]]] = field(default_factory=list)
    said: list[ConsentRecord] = field(default_factory=list)
    agreed_at: dict[int, dt.datetime] = field(default_factory=dict)

    def carry_out(self) -> _Batch:
        emails = [person.email for person in self.people]
        keys = [person.record.external_id for person in self.people if person.record.external_id]
        rows = Subscriber.objects.select_for_update()
        here = {s.email: s for s in rows.filter(email__in=emails)}
        numbered = {s.external_id: s for s in rows.filter(source=self._source, external_id__in=keys)}
        self.agreed_at = self._last_agreed({s.pk for s in (*here.values(), *numbered.values())})
        barred = Suppression.held(emails)
        for person in self.people:
            self._decide(person, here.get(person.email), numbered, barred=person.email in barred)
        self._write()
        return self

    def tell(self, ctx: ImportContext) -> None:
        for count, told in (
            (len(self.created), ctx.created),
            (len(self.changed), ctx.updated),
            (self.unchanged, ctx.unchanged),
        ):
            for _ in range(count):
                told(KIND)
        for record in self.erased:
            ctx.rejecting(record.line, "the address was erased at its owner's wish", record.external_id)

    @property
    def _source(self) -> str:
        return f"import:{self.source}"

    def _decide(
        self, person: _Person, subscriber: Subscriber | None, numbered: dict[str | None, Subscriber], *, barred: bool
    ) -> None:
        record = person.record
        key = record.external_id or None
        if barred and subscriber is None:
            self.erased.append(record)
        elif subscriber is None and self._is_followed(key, numbered):
            known = numbered[key]
            known.email = person.email
            self._change(known, record)
            self.changed.append(known)
        elif subscriber is None:
            made = self._create(person, None if key in numbered else key)
            if key:
                numbered[key] = made
        elif self._change(subscriber, record):
            self.changed.append(subscriber)
        else:
            self.unchanged += 1

    def _last_agreed(self, subscribers: set[int]) -> dict[int, dt.datetime]:
        """When each of them last asked this very site for mail; without those who never did."""
        said = ConsentRecord.objects.filter(subscriber_id__in=subscribers, event__in=AGREED_HERE)
        return dict(said.values_list("subscriber_id").annotate(Max("at")))

    def _came_back(self, subscriber: Subscriber, since: dt.datetime | None) -> bool:
        """Whether somebody who left then has asked this very site for mail later."""
        agreed_at = self.agreed_at.get(subscriber.pk)
        return since is not None and agreed_at is not None and agreed_at > since

    def _is_followed(self, key: str | None, numbered: dict[str | None, Subscriber]) -> bool:
        """Whether a new address is that of somebody who is here under another one."""
        return self.source not in NUMBERED_BY_FILE and key in numbered and numbered[key].pk is not None

    def _create(self, person: _Person, key: str | None) -> Subscriber:
        record, now = person.record, timezone.now()
        subscriber = Subscriber(
            email=person.email,
            name=person.name,
            language=record.language if record.language in dict(settings.LANGUAGES) else "",
            status=record.status,
            status_since=record.since or now,
            source=self._source,
            external_id=key,
            created_at=record.created_at,
        )
        self.created.append(subscriber)
        self._note(subscriber, record)
        return subscriber

    def _change(self, subscriber: Subscriber, record: SubscriberRecord) -> bool:
        """Only towards less mail, except that who waits for confirmation agreed there; whether there was anything to change."""
        now, wanted = timezone.now(), Status(record.status)
        present = Status(subscriber.status)
        agreed = present == Status.PENDING and wanted == Status.ACTIVE
        left = STRICTNESS[wanted] > max(STRICTNESS[present], STRICTNESS[Status.PENDING])
        if wanted == Status.UNSUBSCRIBED and self._came_back(subscriber, record.since):
            left = False
        if not agreed and not left:
            return False
        subscriber.status, subscriber.status_since = wanted, record.since or now
        self._note(subscriber, record)
        return True

    def _note(self, subscriber: Subscriber, record: SubscriberRecord) -> None:
        now = timezone.now()
        said = {
            Status.ACTIVE: (Event.IMPORTED, record.consent_at or now),
            Status.UNSUBSCRIBED: (Event.WITHDRAWN, record.since or now),
        }
        status = Status(record.status)
        if status == Status.ACTIVE:
            self.joining.append((subscriber, self.lists.of(record)))
        if status in said:
            kind, at = said[status]
            text = record.consent if status == Status.ACTIVE else ""
            self.said.append(
                ConsentRecord(subscriber=subscriber, event=kind, at=at, source=self._source[:60], text=text)
            )

    def _write(self) -> None:
        Subscriber.objects.bulk_create(self.created)
        if self.created and self.created[0].pk is None:
            # MySQL does not say which numbers it gave.
            numbers = dict(
                Subscriber.objects.filter(email__in=[s.email for s in self.created]).values_list("email", "pk")
            )
            for subscriber in self.created:
                subscriber.pk = numbers[subscriber.email]
        for subscriber in self.changed:
            subscriber.save(update_fields=["email", "status", "status_since"])
        for said in self.said:
            said.subscriber_id = said.subscriber.pk
        ConsentRecord.objects.bulk_create(self.said)
        Membership.objects.bulk_create(
            [Membership(mailing_list=entry, subscriber_id=s.pk) for s, entries in self.joining for entry in entries],
            ignore_conflicts=True,
        )
