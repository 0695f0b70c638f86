"""The suppression list: whom nobody may write to, why, and how they come off it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from webstreet.atoms.newsletter import events_policy
from webstreet.atoms.newsletter.models.base import atomic
from webstreet.atoms.newsletter.models.change import Change
from webstreet.atoms.newsletter.models.event import Event
from webstreet.atoms.newsletter.models.subscriber import Subscriber
from webstreet.atoms.newsletter.models.suppression import Suppression, digest
from webstreet.kernel.errors import Conflict

Status, Reason = Subscriber.Status, Suppression.Reason
UNKNOWN = "unknown"
"""In filters: those who came suppressed from elsewhere."""


class NotLiftable(Conflict):
    """An editor may not have this address written to again."""

    code = "suppression.not_liftable"


# -- Onto the list ---------------------------------------------------------------------------------------------------
def suppress(people: Mapping[int, tuple[Subscriber, Any, Event | None]]) -> None:
    """Write nothing more to these, by id, whose rows are locked; from the next claimed batch on, also of a running issue.

    Who is suppressed already stays so, for the stricter of both reasons (of `Suppression.Reason`).
    """
    if not people:
        return
    now = timezone.now()
    digests = [digest(subscriber.email) for subscriber, *_ in people.values()]
    rows = list(Suppression.objects.filter(Q(digest__in=digests) | Q(subscriber__in=list(people))))
    known = {row.digest: row for row in rows}
    # Who has another address since is known by themselves.
    theirs = {row.subscriber_id: row for row in rows if row.subscriber_id is not None}
    new, left = [], []
    for subscriber, reason, event in people.values():
        row = theirs.get(subscriber.pk) or known.get(digest(subscriber.email))
        if subscriber.status != Status.SUPPRESSED:
            left.append(subscriber)
        elif row is not None and not events_policy.stricter(reason, row.reason or ""):
            continue
        values = {
            "reason": reason,
            "event": event,
            "subscriber": subscriber,
            "hard": reason == Reason.EDITOR,
            "at": now,
        }
        if subscriber.status != Status.SUPPRESSED:
            values["before"] = subscriber.status
        if row is not None:
            Suppression.objects.filter(pk=row.pk).update(**values)
        else:
            new.append(Suppression(digest=digest(subscriber.email), **values))
    Suppression.objects.bulk_create(new)
    Subscriber.objects.filter(pk__in=[s.pk for s in left]).update(status=Status.SUPPRESSED, status_since=now)
    for subscriber in left:
        subscriber.status, subscriber.status_since = Status.SUPPRESSED, now


def bar(email: str, *, why: str, by: int) -> bool:
    """Put a normalised address on the list for an editor; whether it was not on it.

    An address that is not here yet is written down: the list is there to be looked at.
    """
    with atomic():
        subscriber, _created = Subscriber.objects.get_or_create(
            email=email, defaults={"source": "editor", "status": Status.UNSUBSCRIBED}
        )
        subscriber = Subscriber.objects.select_for_update().get(pk=subscriber.pk)
        if subscriber.status == Status.SUPPRESSED:
            return False
        suppress({subscriber.pk: (subscriber, Reason.EDITOR, None)})
        Suppression.objects.filter(subscriber=subscriber).update(why=why, user_id=by)
        Change.note(Change.Verb.BARRED, subscriber, by=by, why=why)
        return True


# -- Off the list ----------------------------------------------------------------------------------------------------
def reason_of(subscriber: Subscriber) -> str:
    """Why somebody is on the list; empty: not on it, or suppressed elsewhere and imported so."""
    row = Suppression.objects.filter(subscriber=subscriber).first()
    return (row.reason or "") if row is not None else ""


def lift(subscriber: Subscriber, *, why: str, by: int | None) -> None:
    """Make a suppressed subscriber again what they were, for an editor who says why. Who came suppressed from elsewhere, and who
    unsubscribed meanwhile, is unsubscribed then: nobody gets mail by it who did not want any.

    Raises:
        NotLiftable: the person complained, or is not suppressed.
    """
    with atomic():
        subscriber = Subscriber.objects.select_for_update().get(pk=subscriber.pk)
        row = Suppression.objects.filter(subscriber=subscriber).first()
        if subscriber.status != Status.SUPPRESSED:
            raise NotLiftable("This address is not on the suppression list.")
        if not events_policy.editor_may_lift((row.reason or "") if row else ""):
            raise NotLiftable("Who reported mails as spam comes back only by signing up.")
        before = row.before if row else ""
        subscriber.become(Status(before) if before in (Status.ACTIVE, Status.PENDING) else Status.UNSUBSCRIBED)
        if row is not None:
            row.delete()
        Change.note(Change.Verb.LIFTED, subscriber, by=by, why=why)


def may_return(subscriber: Subscriber) -> bool:
    """Whether a suppressed subscriber may come back by signing up and confirming."""
    return events_policy.person_may_return(reason_of(subscriber))


def ask_every(subscriber: Subscriber) -> dt.timedelta | None:
    """How long a suppressed subscriber who signs up is not asked to confirm again; None: never."""
    reason = reason_of(subscriber)
    return events_policy.ASKED_AGAIN[Reason(reason)] if events_policy.person_may_return(reason) else None


def returned(subscriber: Subscriber) -> None:
    """The owner of the address confirmed a new subscription."""
    Suppression.lift(subscriber.email)
    Suppression.objects.filter(subscriber=subscriber).delete()


def left_meanwhile(subscriber: Subscriber) -> bool:
    """A suppressed subscriber unsubscribes: whatever becomes of the suppression, they get no mail after it. Whether that is news."""
    rows = Suppression.objects.filter(subscriber=subscriber).exclude(before=Status.UNSUBSCRIBED)
    return bool(rows.update(before=Status.UNSUBSCRIBED))


# -- Looking at it ---------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Listed:
    """What of the list is shown. Kept in the page's address; what makes no sense there is as if it were missing.

    Attributes:
        reason: of `Suppression.Reason`, or `UNKNOWN`. q: part of an address.
    """

    reason: str = ""
    q: str = ""

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Listed:
        reason = str(given.get("reason", ""))
        # PostgreSQL takes no NUL.
        q = str(given.get("q", "")).replace("\0", "").strip()[:254]
        known = {UNKNOWN, *Reason.values} - {Reason.ERASED}
        return cls(reason if reason in known else "", q)

    def as_dict(self) -> dict[str, str]:
        return {name: value for name, value in (("reason", self.reason), ("q", self.q)) if value}

    def query(self, **changes: str) -> str:
        """As a query string, some of it changed."""
        return urlencode({name: value for name, value in {**self.as_dict(), **changes}.items() if value})

    def apply(self, rows: QuerySet[Subscriber]) -> QuerySet[Subscriber]:
        """Those of ``rows`` who are on the list, and shown."""
        rows = rows.filter(status=Status.SUPPRESSED)
        if self.reason == UNKNOWN:
            rows = rows.filter(suppressions=None)
        elif self.reason:
            rows = rows.filter(suppressions__reason=self.reason)
        return rows.filter(email__contains=self.q.lower()) if self.q else rows


def listed(shown: Listed | None = None) -> QuerySet[Subscriber]:
    """Who is on the list, the newest first."""
    rows = Subscriber.objects.prefetch_related("suppressions__event")
    return (shown or Listed()).apply(rows).order_by("-status_since", "-id")


def liftable(rows: QuerySet[Subscriber]) -> QuerySet[Subscriber]:
    """Those of ``rows``, who are on the list, whom an editor may have written to again (`events_policy.editor_may_lift`)."""
    never = [reason for reason in Reason.values if not events_policy.editor_may_lift(reason)]
    held = Suppression.objects.filter(subscriber=OuterRef("pk"), reason__in=never)
    return rows.filter(~Exists(held), status=Status.SUPPRESSED)


def nobody_there(rows: QuerySet[Subscriber]) -> QuerySet[Subscriber]:
    """Those of ``rows`` who are on the list because nobody lives at their address."""
    return rows.filter(suppressions__reason=Reason.BOUNCE, suppressions__event__kind=Event.Kind.HARD)


def of(subscriber: Subscriber) -> Suppression | None:
    """Why a subscriber of `listed` is on the list; None: nobody knows here."""
    return next(iter(subscriber.suppressions.all()), None)


def erased() -> int:
    """How many addresses are barred of which only a hash is left."""
    return Suppression.objects.filter(subscriber=None).count()
