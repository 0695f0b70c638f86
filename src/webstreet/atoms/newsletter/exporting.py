"""The newsletter in an export: its lists, and every subscriber with consent, lists and status, so that nobody is mailed who said no.

Issues, their deliveries and what came back about them stay behind: they are the record of what this site sent. Why somebody is
suppressed goes along, and so who may have them written to again.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.dateparse import parse_datetime

from webstreet.atoms.newsletter.models.base import APP, atomic
from webstreet.atoms.newsletter.models.lists import MailingList, Membership
from webstreet.atoms.newsletter.models.subscriber import ConsentRecord, Subscriber
from webstreet.atoms.newsletter.models.suppression import Suppression, digest
from webstreet.engine import hooks
from webstreet.engine.exports import Row, Rows
from webstreet.engine.rows import by_key, swept
from webstreet.kernel.errors import BadInput
from webstreet.mail.address import normal_address

BATCH = 500
FIELDS = (
    "email", "name", "language", "status", "status_since", "created_at", "source", "external_id", "public_id", "unsubscribe_token",
    "confirmation_asked_at",
)  # fmt: skip
CONSENT = ("event", "at", "text_version", "text", "source", "network")
SUPPRESSION = ("reason", "at", "hard", "before", "why")
MOMENTS = {"status_since", "created_at", "confirmation_asked_at", "at"}


class SubscriberDamaged(BadInput):
    """A row of an archive is no subscriber. Says nothing of what is in it."""

    code = "archive.row"


@hooks.register("export_rows")
def export_rows() -> list[Rows]:
    return [
        Rows("newsletter-lists", APP, _write_lists, _read_lists),
        Rows("newsletter-subscribers", APP, _write_subscribers, _read_subscribers),
    ]


def _write_lists() -> Iterator[Row]:
    yield from MailingList.objects.order_by("key").values("key", "title", "created_at")


def _read_lists(rows: Iterable[Row]) -> None:
    with atomic():
        for row in rows:
            values = {"title": str(row["title"]), "created_at": parse_datetime(str(row["created_at"]))}
            MailingList.objects.update_or_create(key=str(row["key"]), defaults=values)


def _write_subscribers() -> Iterator[Row]:
    rows = Subscriber.objects.prefetch_related("consents", "memberships__mailing_list", "suppressions")
    for subscriber in swept(by_key(rows, "email", size=BATCH), every=BATCH):
        yield {
            **{name: getattr(subscriber, name) for name in FIELDS},
            "lists": sorted(m.mailing_list.key for m in subscriber.memberships.all()),
            "consents": [
                {name: getattr(consent, name) for name in CONSENT}
                for consent in sorted(subscriber.consents.all(), key=lambda c: (c.at, c.pk))
            ],
            **_suppression(subscriber),
        }


def _suppression(subscriber: Subscriber) -> dict[str, Any]:
    row = next(iter(subscriber.suppressions.all()), None)
    return {"suppression": {name: getattr(row, name) for name in SUPPRESSION}} if row is not None else {}


def _read_subscribers(rows: Iterable[Row]) -> None:
    """Batch after batch; an address that is there already keeps what is known of it here."""
    lists = {entry.key: entry for entry in MailingList.objects.all()}
    found = iter(rows)
    while batch := list(itertools.islice(found, BATCH)):
        with atomic():
            _read_batch(batch, lists)


def _read_batch(batch: list[Row], lists: dict[str, MailingList]) -> None:
    given = {row["email"]: row for row in (_checked(row) for row in batch)}
    here = set(Subscriber.objects.filter(email__in=list(given)).values_list("email", flat=True))
    new = [Subscriber(**_values(row, FIELDS)) for email, row in given.items() if email not in here]
    Subscriber.objects.bulk_create(new)
    numbers = dict(Subscriber.objects.filter(email__in=[s.email for s in new]).values_list("email", "pk"))
    consents, memberships, suppressions = [], [], []
    for subscriber in new:
        row, number = given[subscriber.email], numbers[subscriber.email]
        consents += [ConsentRecord(subscriber_id=number, **_values(c, CONSENT)) for c in row["consents"]]
        if row.get("suppression"):
            values = _values(row["suppression"], SUPPRESSION)
            suppressions.append(Suppression(subscriber_id=number, digest=digest(subscriber.email), **values))
        memberships += [
            Membership(subscriber_id=number, mailing_list=lists[key]) for key in row["lists"] if key in lists
        ]
    ConsentRecord.objects.bulk_create(consents)
    Membership.objects.bulk_create(memberships)
    # Whose address was erased here is known by its hash already.
    Suppression.objects.bulk_create(suppressions, ignore_conflicts=True)


def _checked(row: Row) -> Row:
    """Raises `SubscriberDamaged`: what is written must be an address, as it goes into mails."""
    try:
        good = row["status"] in Subscriber.Status.values and normal_address(row["email"]) == row["email"]
    except (BadInput, KeyError, TypeError, AttributeError):
        good = False
    barred = row.get("suppression", {})
    good = good and isinstance(barred, dict) and (not barred or barred.get("reason") in Suppression.Reason.values)
    if not good or not isinstance(row.get("consents"), list) or not isinstance(row.get("lists"), list):
        raise SubscriberDamaged("A row of the archive is no subscriber: the archive was changed after it was written.")
    return row


def _values(row: Row, names: Iterable[str]) -> dict[str, Any]:
    return {name: parse_datetime(row[name]) if name in MOMENTS and row[name] else row[name] for name in names}
