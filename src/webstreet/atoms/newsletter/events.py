"""What comes back about mails, written down once, and what follows from it for the people they went to.

Whoever hears of something (the mail server's reply, the mailbox of bounces, a provider's webhook) makes it a `Told` and gives it to
`note`. All of that lies in the newsletter's own database, and nothing of it in a log or a queue.
"""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, Max, OuterRef, Q
from django.utils import timezone

from webstreet.atoms.newsletter import actions, events_policy, ledger, mails, suppression
from webstreet.atoms.newsletter.events_policy import Verdict
from webstreet.atoms.newsletter.models.base import atomic
from webstreet.atoms.newsletter.models.delivery import Delivery, State
from webstreet.atoms.newsletter.models.event import Event, EventSource
from webstreet.atoms.newsletter.models.issue import Counts, Issue
from webstreet.atoms.newsletter.models.notice import Notice
from webstreet.atoms.newsletter.models.subscriber import Subscriber
from webstreet.atoms.newsletter.models.suppression import Suppression
from webstreet.mail.pump import Outcome, Result
from webstreet.mail.reason import Reason

REPLY, MAILBOX, WEBHOOK = "reply", EventSource.MAILBOX, "webhook"
logger = logging.getLogger(__name__)
Kind = Event.Kind


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail of ours that something is told about. ``sent_at``: when it left, if it is in the ledger still. All None: it is not ours."""

    subscriber_id: int | None = None
    issue_id: int | None = None
    delivery_id: int | None = None
    sent_at: dt.datetime | None = None

    @property
    def is_ours(self) -> bool:
        return self.subscriber_id is not None or self.issue_id is not None


@dataclass(frozen=True, slots=True)
class Told:
    """An event as it was heard of.

    Attributes:
        name: the same for the same event of a source, however often it is told. kind: of `Event.Kind`.
    """

    source: str
    name: str
    kind: Any
    mail: Mail
    at: dt.datetime
    code: str = ""
    reason: Reason = Reason.NONE
    reply: str = ""


# -- Which mail it is about ------------------------------------------------------------------------------------------
def mail_of_path(addresses: Iterable[str]) -> Mail:
    """By a return path that we made: nobody else can (`webstreet.mail.verp`)."""
    paths = mails.return_paths()
    if paths is None:
        return Mail()
    for address in addresses:
        kind, _hyphen, number = (paths.read(address) or "").partition("-")
        if number.isdigit() and len(number) < 19:
            found = _numbered(kind, int(number))
            if found.is_ours:
                return found
    return Mail()


def _numbered(kind: str, pk: int) -> Mail:
    if kind == "d":
        row = Delivery.objects.filter(pk=pk).first()
        return _of_delivery(row) if row is not None else Mail()
    if kind == "n":
        # One that went to another address than the subscriber's says nothing about this one.
        notice = Notice.objects.filter(pk=pk).exclude(kind__in=(Notice.Kind.ADDRESS, Notice.Kind.MOVED)).first()
        return Mail(notice.subscriber_id, sent_at=notice.sent_at) if notice is not None else Mail()
    return Mail()


def _of_delivery(row: Delivery) -> Mail:
    return Mail(row.subscriber_id, row.issue_id, row.pk, row.changed_at)


def mail_of_message_id(message_id: str) -> Mail:
    """By the Message-ID of the mail that came back: it names issue and subscriber by 122 random bits each."""
    issue_key, _dot, rest = message_id.strip("<> ").partition(".")
    try:
        key, public_id = uuid.UUID(hex=issue_key), uuid.UUID(hex=rest.partition("@")[0])
    except ValueError:
        return Mail()
    issue = Issue.objects.filter(key=key).values_list("pk", flat=True).first()
    person = Subscriber.objects.filter(public_id=public_id).values_list("pk", flat=True).first()
    if issue is None or person is None:
        return Mail()
    row = Delivery.objects.filter(issue_id=issue, subscriber_id=person).first()
    return _of_delivery(row) if row is not None else Mail(person, issue)


# -- Writing down ----------------------------------------------------------------------------------------------------
def note(told: Sequence[Told]) -> int:
    """Write down what is not written yet and do what follows from it, all or nothing; how many were new."""
    by_key = {Event.key_of(one.source, one.name): one for one in told if one.mail.is_ours}
    if not by_key:
        return 0
    with atomic():
        known = set(Event.objects.filter(key__in=list(by_key)).values_list("key", flat=True))
        new = {key: one for key, one in by_key.items() if key not in known}
        ids = {one.mail.subscriber_id for one in new.values()} - {None}
        # In one order, so that two who write at the same time wait for each other and not in a circle.
        people = {s.pk: s for s in Subscriber.objects.select_for_update().filter(pk__in=ids).order_by("pk")}
        Event.objects.bulk_create([_row(key, one, people) for key, one in new.items()], ignore_conflicts=True)
        rows = {row.key: row for row in Event.objects.filter(key__in=list(new))}
        _act([(rows[key], one) for key, one in new.items() if key in rows], people)
    return len(new)


def _row(key: str, one: Told, people: dict[int, Subscriber]) -> Event:
    mail, now = one.mail, timezone.now()
    return Event(
        key=key,
        kind=one.kind,
        at=min(one.at, now),
        noted_at=now,
        source=one.source[:20],
        issue_id=mail.issue_id,
        subscriber_id=mail.subscriber_id if mail.subscriber_id in people else None,
        delivery_id=mail.delivery_id,
        code=one.code[:40],
        reason=one.reason,
        reply=one.reply[:200] or None,
    )


def _act(noted: Sequence[tuple[Event, Told]], people: dict[int, Subscriber]) -> None:
    """What follows from new events for those who are still here."""
    soft = {row.subscriber_id for row, _ in noted if row.kind == Kind.SOFT and row.subscriber_id}
    softs = _softs({pk: people[pk] for pk in soft}) if soft else {}
    ended: dict[int, tuple[Subscriber, Any, Event | None]] = {}
    for row, told in noted:
        subscriber = people.get(row.subscriber_id) if row.subscriber_id else None
        if subscriber is None:
            continue
        since = subscriber.status_since
        if subscriber.status == Subscriber.Status.SUPPRESSED:
            # A complaint about the mail that bounced is still one.
            since = dt.datetime.min.replace(tzinfo=dt.UTC)
        about = told.mail.sent_at or row.at
        found = events_policy.verdict(
            row.kind, row.reason, about=about, since=since, softs=softs.get(subscriber.pk, ())
        )
        if found is Verdict.UNSUBSCRIBE:
            actions.unsubscribe(subscriber, source=row.source)
            subscriber.refresh_from_db(fields=["status", "status_since"])
        elif found is Verdict.COMPLAINT:
            ended[subscriber.pk] = (subscriber, Suppression.Reason.COMPLAINT, row)
        elif found is Verdict.BOUNCE:
            ended.setdefault(subscriber.pk, (subscriber, Suppression.Reason.BOUNCE, row))
    suppression.suppress(ended)


def _softs(people: dict[int, Subscriber]) -> dict[int, list[dt.datetime]]:
    """When the mails of each bounced for now, each mail once, since they are what they are and since the last that got through."""
    oldest = timezone.now() - events_policy.SOFT_WITHIN
    rows = Event.objects.filter(subscriber__in=people, kind=Kind.SOFT, at__gte=oldest)
    rows = rows.exclude(reason__in=[str(reason) for reason in events_policy.NOT_THEIRS])
    found: dict[int, dict[object, dt.datetime]] = {pk: {} for pk in people}
    for pk, delivery, at in rows.order_by("at").values_list("subscriber_id", "delivery_id", "at"):
        found[pk].setdefault(delivery or at, at)
    many = [pk for pk, moments in found.items() if len(moments) >= events_policy.SOFT_MAX]
    through = _through(many) if many else {}
    return {
        pk: [at for at in moments.values() if at >= max(people[pk].status_since, through.get(pk, oldest))]
        for pk, moments in found.items()
    }


def _through(ids: Sequence[int]) -> dict[int, dt.datetime]:
    """When each got the last mail that did not come back."""
    back = Event.objects.filter(delivery_id=OuterRef("pk"), kind__in=(Kind.HARD, Kind.SOFT), subscriber__in=ids)
    rows = Delivery.objects.filter(~Exists(back), subscriber__in=ids, state=State.SENT)
    return dict(rows.order_by().values_list("subscriber_id").annotate(Max("changed_at")))


# -- The mail server's reply -----------------------------------------------------------------------------------------
def note_replies(issue_id: int, rows: Sequence[ledger.Row], results: Iterable[Result]) -> None:
    """What a batch's replies say about its recipients, once it is recorded. When all went well it costs a look at each result.

    Never raises, as the batch is recorded: a refusal that could not be noted comes again with the next issue.
    """
    refused = [result for result in results if result.reason]
    if not refused:
        return
    try:
        _note_refusals(issue_id, {row.delivery_id: row.attempt for row in rows}, refused)
    except Exception as error:  # noqa: BLE001 the batch is recorded, whatever goes wrong here
        # Of the error only the kind: the rest may name somebody.
        logger.error("events.not_written", extra={"error": type(error).__name__})


def _note_refusals(issue_id: int, attempts: dict[int, int], refused: Sequence[Result]) -> None:
    now = timezone.now()
    ended = [
        result
        for result in refused
        if result.reason not in events_policy.NOT_THEIRS
        and (
            result.outcome is Outcome.FAILED
            or (result.outcome is Outcome.DEFERRED and attempts[result.key] >= ledger.ATTEMPTS)
        )
    ]
    people = dict(Delivery.objects.filter(pk__in=[r.key for r in ended]).values_list("pk", "subscriber_id"))
    note(
        [
            Told(
                REPLY,
                f"{result.key}:{attempts[result.key]}",
                events_policy.kind_of_failure(result.reason, for_good=result.outcome is Outcome.FAILED),
                Mail(people.get(result.key), issue_id, result.key, now),
                now,
                result.code,
                result.reason,
                result.reply,
            )
            for result in ended
        ]
    )


# -- Counting --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Rates:
    """Of one issue: mails that servers took, and what came back about them. Each mail counts once of a kind, whoever told it.

    Attributes:
        accepted: mails that a server took. refused: recipients that a server refused for good at once, as nobody lives there.
        hard, soft, complaints, unsubscribed: told later.
    """

    accepted: int = 0
    refused: int = 0
    hard: int = 0
    soft: int = 0
    complaints: int = 0
    unsubscribed: int = 0

    @property
    def bounce_rate(self) -> float:
        """Of all recipients that a server was asked about, the share at whose address nobody lives; 0 to 1."""
        asked = self.accepted + self.refused
        return min(1.0, (self.refused + self.hard) / asked) if asked else 0.0

    @property
    def complaint_rate(self) -> float:
        """Of all mails that a server took, the share that was reported as spam; 0 to 1."""
        return min(1.0, self.complaints / self.accepted) if self.accepted else 0.0


_MAILS = Count("delivery_id", distinct=True) + Count("id", filter=Q(delivery_id=None))
_BAD = (Kind.HARD, Kind.SOFT, Kind.COMPLAINT, Kind.UNSUBSCRIBED)


def rates(issue: Issue, counts: Counts) -> Rates:
    """What came back about an issue, of a running one too. Two queries by an index, of what went well none: that may be every mail.

    Args:
        counts: the issue's.
    """
    rows = Event.objects.filter(issue=issue).order_by()
    later = dict(rows.filter(kind__in=_BAD).exclude(source=REPLY).values_list("kind").annotate(n=_MAILS))
    refused = rows.filter(source=REPLY, kind=Kind.HARD).aggregate(n=_MAILS)["n"]
    return Rates(
        accepted=counts.sent,
        refused=refused,
        hard=later.get(Kind.HARD, 0),
        soft=later.get(Kind.SOFT, 0),
        complaints=later.get(Kind.COMPLAINT, 0),
        unsubscribed=later.get(Kind.UNSUBSCRIBED, 0),
    )


def delivered(issue: Issue) -> int:
    """Mails of an issue of which somebody told that they arrived. It reads as many rows: nothing for a page that asks every second."""
    found: int = Event.objects.filter(issue=issue, kind=Kind.DELIVERED).aggregate(n=_MAILS)["n"]
    return found
