"""Subscribers from elsewhere: they agreed there, so they are active here, with the source noted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from webstreet.atoms.newsletter import actions
from webstreet.atoms.newsletter.models.base import atomic
from webstreet.atoms.newsletter.models.lists import MailingList
from webstreet.atoms.newsletter.models.subscriber import ConsentRecord, Subscriber
from webstreet.kernel.errors import BadInput
from webstreet.mail.address import normal_address
from webstreet.mail.message import header_text

if TYPE_CHECKING:
    from webstreet.engine.imports import ImportContext, SubscriberRecord

KIND = "subscribers"


def take(records: Iterable[SubscriberRecord], ctx: ImportContext) -> None:
    """Receiver of ``import_subscribers``: all records or none, in one transaction of this atom's database.

    The same record again changes nothing (key: source and external id, and the address). Who unsubscribed stays unsubscribed.
    A record that cannot be mailed to is reported by line; the reason does not repeat the address.
    """
    with atomic():
        lists = MailingList.wanted()
        for record in records:
            try:
                email = normal_address(record.email)
                name = header_text(record.name.strip(), limit=100)
            except BadInput as error:
                ctx.rejected(record.line, error.message)
                continue
            match _take_one(email, name, record, ctx.source, lists):
                case "created":
                    ctx.created(KIND)
                case "updated":
                    ctx.updated(KIND)
                case "unchanged":
                    ctx.unchanged(KIND)


def _take_one(
    email: str, name: str, record: SubscriberRecord, source: str, lists: list[MailingList]
) -> Literal["created", "updated", "unchanged"]:
    external_id = str(record.external_id)
    known = Subscriber.objects.filter(source=f"import:{source}", external_id=external_id).first()
    by_address = Subscriber.objects.filter(email=email).first()
    if known is None and by_address is None:
        subscriber = Subscriber.objects.create(
            email=email,
            name=name,
            status=Subscriber.Status.ACTIVE,
            source=f"import:{source}",
            external_id=external_id,
            created_at=record.created_at,
        )
        _note(subscriber, source, lists)
        return "created"
    if known is not None and by_address is None and known.email != email:
        known.email = email
        known.save(update_fields=["email"])
        return "updated"
    subscriber = by_address or known
    assert subscriber is not None  # noqa: S101 one of the two is there
    if subscriber.status != Subscriber.Status.PENDING:
        return "unchanged"
    subscriber.become(Subscriber.Status.ACTIVE)
    _note(subscriber, source, lists)
    return "updated"


def _note(subscriber: Subscriber, source: str, lists: list[MailingList]) -> None:
    actions.join(subscriber, lists)
    subscriber.note_consent(ConsentRecord.Event.IMPORTED, source=f"import:{source}")
