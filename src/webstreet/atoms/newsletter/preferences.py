"""What readers change themselves, by the link in every mail. Each change leaves a record of consent."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import IntegrityError

from webstreet.atoms.newsletter import guard
from webstreet.atoms.newsletter.actions import TokenExpired, TokenInvalid
from webstreet.atoms.newsletter.models.base import atomic
from webstreet.atoms.newsletter.models.lists import MailingList, Membership
from webstreet.atoms.newsletter.models.notice import Notice
from webstreet.atoms.newsletter.models.subscriber import ConsentRecord, Subscriber
from webstreet.atoms.newsletter.models.suppression import Suppression
from webstreet.atoms.newsletter.models.token import Token
from webstreet.kernel.errors import Conflict

SOURCE = "preferences"


class AddressTaken(Conflict):
    """The new address receives the newsletter already. Said only to who has proved that the address is theirs."""

    code = "address.taken"


def change(subscriber: Subscriber, *, name: str, language: str, lists: Sequence[MailingList], network: str) -> bool:
    """Set what a reader chose; whether anything changed.

    Args:
        lists: all that are wanted, of `MailingList.wanted`; a list that is no longer offered is left as it is.
    """
    with atomic():
        subscriber = Subscriber.objects.select_for_update().get(pk=subscriber.pk)
        details = (subscriber.name, subscriber.language) != (name, language)
        if details:
            subscriber.name, subscriber.language = name, language
            subscriber.save(update_fields=["name", "language"])
            subscriber.note_consent(ConsentRecord.Event.DETAILS, source=SOURCE, network=network)
        chosen = _choose(subscriber, lists)
        if chosen:
            text = ", ".join(entry.title for entry in lists)
            subscriber.note_consent(ConsentRecord.Event.LISTS, text=text, source=SOURCE, network=network)
        return details or chosen


def _choose(subscriber: Subscriber, lists: Sequence[MailingList]) -> bool:
    wanted, offered = {entry.pk for entry in lists}, {entry.pk for entry in MailingList.wanted()}
    mine = set(subscriber.memberships.values_list("mailing_list_id", flat=True))
    for pk in wanted - mine:
        Membership.objects.create(mailing_list_id=pk, subscriber=subscriber)
    left = (mine & offered) - wanted
    if left:
        subscriber.memberships.filter(mailing_list__in=left).delete()
    return bool(wanted - mine or left)


def ask_for_address(subscriber: Subscriber, email: str, *, network: str) -> Notice | None:
    """Begin a change of address: a mail to the new one, which counts once its owner has confirmed. Returns the notice to send; None
    when nothing is to be sent, which whoever asked is not told.

    Args:
        email: normalised.

    Raises:
        SignUpClosed: too many mails were asked for.
    """
    if not guard.mail_allowed(email, network) or email == subscriber.email:
        return None
    barred = Subscriber.objects.filter(email=email, status=Subscriber.Status.SUPPRESSED).exists()
    if barred or Suppression.holds(email, hard=True):
        return None
    with atomic():
        return Notice.replace(Notice.Kind.ADDRESS, subscriber, email=email)


def confirm_address(text: str, *, network: str) -> Notice | None:
    """Act on the link in the mail to the new address. Returns the notice to the old one; None when it was done already.

    Raises:
        TokenInvalid, TokenExpired: forged, too old, or the subscription ended meanwhile.
        AddressTaken: somebody receives the newsletter there already.
    """
    try:
        return _confirm_address(text, network=network)
    except IntegrityError:
        # Somebody signed up there, or another link was opened, between our look and our writing.
        raise AddressTaken("This address receives the newsletter already.") from None


def _confirm_address(text: str, *, network: str) -> Notice | None:
    with atomic():
        token = Token.find(Token.Purpose.ADDRESS, text, lock=True)
        if token is None:
            raise TokenInvalid("This link is not one of ours.")
        subscriber = Subscriber.objects.select_for_update().get(pk=token.subscriber_id)
        if token.used_at is not None and token.email is None:
            return None
        if not token.is_open or not token.email or not subscriber.is_active:
            raise TokenExpired("This link has expired or was used.")
        other = Subscriber.objects.filter(email=token.email).exclude(pk=subscriber.pk).first()
        if other is not None:
            if other.status != Subscriber.Status.PENDING:
                raise AddressTaken("This address receives the newsletter already.")
            # Asked for, never confirmed: its owner has just confirmed something better.
            other.delete()
        old, subscriber.email = subscriber.email, token.email
        subscriber.save(update_fields=["email"])
        Suppression.lift(subscriber.email)
        subscriber.note_consent(ConsentRecord.Event.ADDRESS, source="link", network=network)
        # What was mailed to the old mailbox opens nothing any more, nor do other addresses that were asked for.
        subscriber.tokens.filter(used_at=None).exclude(pk=token.pk).exclude(purpose=Token.Purpose.UNDO).delete()
        token.email = None
        token.save(update_fields=["email"])
        token.use()
        return Notice.objects.create(kind=Notice.Kind.MOVED, subscriber=subscriber, email=old)
