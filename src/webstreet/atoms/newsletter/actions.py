"""What changes several nouns in one transaction: signing up, confirming, unsubscribing, making and starting issues.

The web views, the admin, imports and tasks all call these.
"""

from __future__ import annotations

import datetime as dt
import uuid as uuids
from collections.abc import Sequence

from django.db import IntegrityError
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from webstreet.atoms.newsletter import mails, suppression
from webstreet.atoms.newsletter.guard import Admitted
from webstreet.atoms.newsletter.models.base import atomic
from webstreet.atoms.newsletter.models.change import Change
from webstreet.atoms.newsletter.models.issue import Issue
from webstreet.atoms.newsletter.models.lists import MailingList, Membership
from webstreet.atoms.newsletter.models.notice import UNSUBSCRIBED, Notice
from webstreet.atoms.newsletter.models.sign_up import SignUp
from webstreet.atoms.newsletter.models.subscriber import ConsentRecord, Subscriber
from webstreet.atoms.newsletter.models.suppression import Suppression
from webstreet.atoms.newsletter.models.token import Token
from webstreet.engine import announcements, hooks
from webstreet.engine.announcements import Announcement
from webstreet.kernel.errors import Conflict, NotFound

CONFIRMATION_EVERY = dt.timedelta(hours=24)
UNDO_HOURS = 7 * 24


class TokenInvalid(NotFound):
    """A link of a mail that does nothing (any more)."""

    code = "token.invalid"


class TokenExpired(TokenInvalid):
    """A link that once worked."""

    code = "token.expired"


class IssueConflict(Conflict):
    """An issue is not in a state in which this can be done."""

    code = "issue.state"


# -- Signing up ------------------------------------------------------------------------------------------------------
def consent_text() -> tuple[str, str]:
    """Version and words of what a reader agrees to, in the active language."""
    chosen = mails.parameters()
    ours = _("I agree to receive new articles by mail. I can unsubscribe at any time with one click.")
    return chosen.consent_version, chosen.consent_text or ours


def sign_up(admitted: Admitted, *, source: str) -> SignUp | None:
    """Write down what was asked; one insert, whoever the address belongs to. The rest is `process_sign_up`."""
    if admitted.quiet:
        return None
    version, text = consent_text()
    return SignUp.objects.create(
        email=admitted.email,
        name=admitted.name,
        language=mails.language_of(translation.get_language() or ""),
        source=source,
        network=admitted.network,
        text_version=version,
        text=text,
    )


def process_sign_up(sign_up_id: int) -> Notice | None:
    """Do what was asked, once: a pending subscriber, a consent record and a confirmation mail; nothing for who is active already,
    is barred for good, or got such a mail within a day. Who is suppressed for bounces or a complaint stays so until they confirm.
    Returns the notice to send.
    """
    with atomic():
        request = SignUp.objects.select_for_update().filter(pk=sign_up_id).first()
        if request is None:
            return None
        if Suppression.holds(request.email, hard=True):
            request.delete()
            return None
        subscriber, _created = Subscriber.objects.get_or_create(
            email=request.email,
            defaults={"source": request.source, "language": request.language, "name": request.name},
        )
        subscriber = Subscriber.objects.select_for_update().get(pk=subscriber.pk)
        request.delete()
        is_suppressed = subscriber.status == Subscriber.Status.SUPPRESSED
        every = suppression.ask_every(subscriber) if is_suppressed else CONFIRMATION_EVERY
        if subscriber.is_active or every is None:
            return None
        now = timezone.now()
        if subscriber.confirmation_asked_at and now - subscriber.confirmation_asked_at < every:
            return None
        subscriber.confirmation_asked_at, subscriber.language = now, request.language
        subscriber.save(update_fields=["confirmation_asked_at", "language"])
        subscriber.note_consent(
            ConsentRecord.Event.ASKED,
            version=request.text_version,
            text=request.text,
            source=request.source,
            network=request.network,
        )
        return Notice.replace(Notice.Kind.CONFIRM, subscriber)


def confirm(text: str, *, network: str) -> tuple[Subscriber, Notice | None]:
    """Act on a confirmation link. A used link of an active subscriber is fine and does nothing.

    Returns:
        The subscriber, and the welcome mail to send (None when already active).

    Raises:
        TokenInvalid, TokenExpired: forged, or too old.
    """
    with atomic():
        token = Token.find(Token.Purpose.CONFIRM, text, lock=True)
        if token is None:
            raise TokenInvalid("This link is not one of ours.")
        subscriber = Subscriber.objects.select_for_update().get(pk=token.subscriber_id)
        if token.used_at is not None and subscriber.is_active:
            return subscriber, None
        is_barred = subscriber.status == Subscriber.Status.SUPPRESSED and not suppression.may_return(subscriber)
        if not token.is_open or is_barred:
            raise TokenExpired("This link has expired or was used.")
        token.use()
        if not subscriber.become(Subscriber.Status.ACTIVE):
            return subscriber, None
        join(subscriber)
        suppression.returned(subscriber)
        asked = subscriber.consents.filter(event=ConsentRecord.Event.ASKED).order_by("-id").first()
        subscriber.note_consent(
            ConsentRecord.Event.CONFIRMED,
            version=asked.text_version if asked else "",
            text=asked.text if asked else "",
            source="link",
            network=network,
        )
        return subscriber, Notice.objects.create(kind=Notice.Kind.WELCOME, subscriber=subscriber)


def join(subscriber: Subscriber, lists: Sequence[MailingList] | None = None) -> None:
    for mailing_list in lists if lists is not None else MailingList.wanted():
        Membership.objects.get_or_create(mailing_list=mailing_list, subscriber=subscriber)


# -- Leaving ---------------------------------------------------------------------------------------------------------
def find_by_unsubscribe_token(text: str) -> Subscriber | None:
    """Works for ever: mails are kept for years."""
    return Subscriber.objects.filter(unsubscribe_token=text).first() if 20 <= len(text) <= 40 else None


def unsubscribe(subscriber: Subscriber, *, source: str, network: str = "") -> str:
    """Stop all mail; honoured from the next claimed batch on, also in a running issue. Returns a token that undoes it."""
    with atomic():
        subscriber = Subscriber.objects.select_for_update().get(pk=subscriber.pk)
        if subscriber.status in (Subscriber.Status.ACTIVE, Subscriber.Status.PENDING):
            was_active = subscriber.is_active
            subscriber.become(Subscriber.Status.UNSUBSCRIBED)
            subscriber.note_consent(ConsentRecord.Event.WITHDRAWN, source=source, network=network)
            Notice.open().filter(subscriber=subscriber).update(given_up_at=timezone.now(), code=UNSUBSCRIBED)
            return Token.make(Token.Purpose.UNDO, subscriber, hours=UNDO_HOURS) if was_active else ""
        if subscriber.status == Subscriber.Status.SUPPRESSED and suppression.left_meanwhile(subscriber):
            subscriber.note_consent(ConsentRecord.Event.WITHDRAWN, source=source, network=network)
    return ""


def undo_unsubscribe(text: str, *, network: str) -> Subscriber:
    """Raises `TokenInvalid` or `TokenExpired`."""
    with atomic():
        token = Token.find(Token.Purpose.UNDO, text, lock=True)
        if token is None:
            raise TokenInvalid("This link is not one of ours.")
        subscriber = Subscriber.objects.select_for_update().get(pk=token.subscriber_id)
        if subscriber.is_active:
            return subscriber
        if not token.is_open or subscriber.status != Subscriber.Status.UNSUBSCRIBED:
            raise TokenExpired("This link has expired or was used.")
        token.use()
        subscriber.become(Subscriber.Status.ACTIVE)
        join(subscriber)
        subscriber.note_consent(ConsentRecord.Event.RESTORED, source="link", network=network)
        return subscriber


# -- Issues ----------------------------------------------------------------------------------------------------------
def create_issue(article_uuid: uuids.UUID) -> tuple[Issue, bool] | None:
    """The one issue of an article, made if there is none; started at once when the site sends on publish. Two processes at the
    same time make one: the article's UUID is unique.

    Returns:
        The issue and whether this call made it; None when the site mails nothing on publish. An article that was withdrawn again
        before we came here gets a draft: it will not become public "for the first time" once more. So does one whose schedule we come to
        too late: what was news then may not be any more.
    """
    policy = mails.parameters().on_publish
    if policy == "off":
        return None
    known = Issue.objects.filter(article_uuid=article_uuid).first()
    if known is not None:
        return known, False
    announcement = hooks.first("render_announcement", article_uuid)
    sends, now = policy == "send" and announcement is not None, timezone.now()
    overdue = _overdue_since(article_uuid, now) if sends else None
    started = now if sends and overdue is None else None
    try:
        with atomic():
            values = _frozen(announcement) if announcement is not None else {"subject": ""}
            mailing_list = MailingList.main()
            issue = Issue.objects.create(
                article_uuid=article_uuid,
                mailing_list=mailing_list,
                created_at=now,
                started_at=started,
                overdue_since=overdue,
                **values,
            )
            Change.note(Change.Verb.CREATED, issue, by=None)
    except IntegrityError:
        return Issue.objects.get(article_uuid=article_uuid), False
    return issue, True


def _overdue_since(article_uuid: uuids.UUID, now: dt.datetime) -> dt.datetime | None:
    """When the schedule was to publish an article, if that is longer ago than the site mails without asking."""
    due = announcements.scheduled_for(article_uuid)
    grace = dt.timedelta(hours=mails.parameters().schedule_grace_hours)
    return due if due is not None and now - due > grace else None


def _frozen(announcement: Announcement) -> dict[str, str]:
    """The content of an issue, as values of its row."""
    written = mails.write_issue(announcement)
    return {
        "subject": written.subject,
        "html": written.html,
        "text": written.text,
        "article_url": announcement.url,
        "language": mails.language_of(announcement.language),
    }


def start_issue(issue: Issue, *, by: int | None) -> None:
    """Freeze what the article says now and send it.

    Raises:
        IssueConflict: it is no draft any more, or the article is not public.
    """
    announcement = hooks.first("render_announcement", issue.article_uuid)
    if announcement is None:
        raise IssueConflict(
            "The article is not public any more. Publish it, then start the issue.", code="issue.article_missing"
        )
    values = _frozen(announcement)
    with atomic():
        drafts = Issue.objects.filter(pk=issue.pk, started_at=None, cancelled_at=None)
        now = timezone.now()
        if not drafts.update(started_at=now, due_at=now, **values):
            raise IssueConflict("This issue was started or cancelled already.")
        Change.note(Change.Verb.STARTED, issue, by=by)
