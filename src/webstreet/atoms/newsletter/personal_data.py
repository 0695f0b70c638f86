"""What is kept about a person, shown to that person and erased at their wish (GDPR, articles 15, 17 and 20)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connections, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone, translation

from webstreet.atoms.newsletter import hosted, mails
from webstreet.atoms.newsletter.guard import Admitted
from webstreet.atoms.newsletter.models.base import alias, atomic
from webstreet.atoms.newsletter.models.change import Change
from webstreet.atoms.newsletter.models.notice import Notice, TestMail
from webstreet.atoms.newsletter.models.sign_up import DataRequest, SignUp
from webstreet.atoms.newsletter.models.subscriber import Subscriber
from webstreet.atoms.newsletter.models.suppression import Suppression
from webstreet.atoms.newsletter.models.token import Token

MAIL_EVERY = dt.timedelta(hours=1)


# -- Asking ----------------------------------------------------------------------------------------------------------
def ask(admitted: Admitted) -> DataRequest | None:
    """Write down what was asked; one insert, whether the address is known or not. The rest is `process`."""
    if admitted.quiet:
        return None
    return DataRequest.objects.create(
        email=admitted.email, language=mails.language_of(translation.get_language() or "")
    )


def process(request_id: int) -> Notice | None:
    """Do what was asked, once; returns the mail with the link if the address is known and got none within `MAIL_EVERY`."""
    with atomic():
        request = DataRequest.objects.select_for_update().filter(pk=request_id).first()
        if request is None:
            return None
        subscriber = Subscriber.objects.select_for_update().filter(email=request.email).first()
        request.delete()
        if subscriber is None:
            return None
        recent = Q(created_at__gt=timezone.now() - MAIL_EVERY) & Q(given_up_at=None)
        if subscriber.notices.filter(recent, kind=Notice.Kind.DATA).exists():
            return None
        return Notice.replace(Notice.Kind.DATA, subscriber)


def find(text: str) -> Subscriber | None:
    """Whose data a link shows; None when it is none of ours or too old."""
    token = Token.find(Token.Purpose.DATA, text)
    return token.subscriber if token is not None and token.is_open else None


# -- Showing ---------------------------------------------------------------------------------------------------------
def everything_about(subscriber: Subscriber) -> dict[str, Any]:
    """All rows about one person, as JSON can say them; times in ISO 8601 (UTC). Secrets of links are left out: they are stored as
    hashes, or let whoever has the file in.
    """
    return {
        "exported_at": _when(timezone.now()),
        "subscriber": {
            "email": subscriber.email,
            "name": subscriber.name,
            "language": subscriber.language,
            "status": subscriber.status,
            "status_since": _when(subscriber.status_since),
            "created_at": _when(subscriber.created_at),
            "source": subscriber.source,
            "external_id": subscriber.external_id,
            "public_id": str(subscriber.public_id),
            "confirmation_asked_at": _when(subscriber.confirmation_asked_at),
        },
        "lists": [
            {"key": key, "title": title, "since": _when(since)}
            for key, title, since in subscriber.memberships.order_by("id").values_list(
                "mailing_list__key", "mailing_list__title", "created_at"
            )
        ],
        "consents": _rows(
            subscriber.consents.order_by("id"), "event", "at", "text_version", "text", "source", "network"
        ),
        "deliveries": [
            {"issue": subject, "article": url, "state": state, "at": _when(at), "attempts": attempts, "code": code}
            | {"reply": reply}
            for subject, url, state, at, attempts, code, reply in subscriber.deliveries.order_by("id").values_list(
                "issue__subject", "issue__article_url", "state", "changed_at", "attempts", "code", "reply"
            )
        ],
        "events": _rows(
            subscriber.events.order_by("id"), "kind", "at", "source", "issue__subject", "code", "reason", "reply"
        ),
        "suppression": _rows(Suppression.objects.filter(subscriber=subscriber), "reason", "at", "why"),
        "mails": _rows(
            subscriber.notices.order_by("id"), "kind", "created_at", "sent_at", "given_up_at", "code", "email"
        ),
        "tests": _rows(tests_to(subscriber), *("issue__subject", "created_at", "sent_at", "given_up_at", "code")),
        "links": _rows(subscriber.tokens.order_by("id"), "purpose", "created_at", "expires_at", "used_at", "email"),
        "sign_ups": _rows(
            SignUp.objects.filter(email=subscriber.email).order_by("id"),
            *("name", "language", "source", "network", "text_version", "text", "created_at"),
        ),
        "requests": _rows(DataRequest.objects.filter(email=subscriber.email).order_by("id"), "language", "created_at"),
        "changes": _rows(Change.objects.filter(noun="subscriber", noun_id=subscriber.pk).order_by("id"), "verb", "at"),
    }


def tests_to(subscriber: Subscriber) -> QuerySet[TestMail]:
    """Mails that an editor sent to this address to see an issue."""
    return TestMail.objects.filter(email=subscriber.email).order_by("id")


def _rows(rows: Any, *fields: str) -> list[dict[str, Any]]:
    return [
        {name: _when(value) if isinstance(value, dt.datetime) else value for name, value in row.items()}
        for row in rows.values(*fields)
    ]


def _when(moment: dt.datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


# -- Erasing ---------------------------------------------------------------------------------------------------------
def erase(subscriber: Subscriber, *, by: int | None) -> None:
    """Delete everything about a person, at once and for good; again is fine.

    What remains: the ledger's rows and the events without the person, so that every issue still adds up to its audience; who did what to
    "Subscriber 5" in the editors' log; a keyed hash that keeps the address from coming back by an import (`Suppression`). Of a running
    issue nothing more goes out: a ledger row without a subscriber is left out when its turn comes.

    Args:
        by: the editor's id; None for the person's own wish.
    """
    with atomic():
        found = Subscriber.objects.select_for_update().filter(pk=subscriber.pk).first()
        if found is None:
            return
        known = Suppression.objects.filter(subscriber=found).first()
        barred = found.status == Subscriber.Status.SUPPRESSED
        Suppression.note(found.email, hard=known.hard if known is not None else barred)
        Suppression.objects.filter(subscriber=found).update(why="")
        found.deliveries.update(reply=None)
        found.events.update(reply=None)
        Change.objects.filter(noun="subscriber", noun_id=found.pk).update(why="")
        for model in (SignUp, DataRequest, TestMail, Notice, Token):
            model._default_manager.filter(email=found.email).delete()
        hosted.forget(found.email)
        Change.note(Change.Verb.ERASED if by is None else Change.Verb.REMOVED, found, by=by)
        found.delete()
        # Once for all that a transaction erases.
        if not any(waiting is _overwrite_on_disk for _, waiting, *_ in connections[alias()].run_on_commit):
            transaction.on_commit(_overwrite_on_disk, using=alias())


def _overwrite_on_disk() -> None:
    """SQLite overwrites what is deleted (``secure_delete``), but in its log first: bring that into the file and cut it off."""
    connection = connections[alias()]
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
