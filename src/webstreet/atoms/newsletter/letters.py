"""Mails to one person: what somebody waits for, and an editor's tests. Each is an envelope, ready to send."""

from __future__ import annotations

from collections.abc import Callable

from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _

from webstreet.atoms.newsletter import leaving_by_mail, mails
from webstreet.atoms.newsletter.mails import Written, context, url, write
from webstreet.atoms.newsletter.models.issue import Issue
from webstreet.atoms.newsletter.models.lists import MailingList
from webstreet.atoms.newsletter.models.notice import Notice, TestMail
from webstreet.atoms.newsletter.models.token import Token
from webstreet.engine import hooks, site
from webstreet.mail.message import Letter, Recipient, render, stable_message_id
from webstreet.mail.pump import Envelope

ADDRESS_HOURS = 48
DATA_HOURS = 24
TEST_TOKEN = "link-of-a-test-mail"  # noqa: S105 it opens a page that says what it would open
SIZE_MAX = 102_400
"""Gmail shows no more of a mail."""


def notice_envelope(notice: Notice) -> Envelope:
    """The mail of a notice. A token in it is made here and stored only as its hash."""
    subscriber, from_ = notice.subscriber, mails.sender()
    with translation.override(mails.language_of(subscriber.language)):
        values = {
            "unsubscribe": url("unsubscribe", subscriber.unsubscribe_token),
            "preferences": url("preferences", subscriber.preferences_token),
        }
        written = _WORDS[notice.kind](notice)
        is_list = notice.kind == Notice.Kind.WELCOME
        headers = mails.list_headers(MailingList.main(), f"welcome:{mails.site_name()}") if is_list else None
        language = translation.get_language() or "en"
        letter = Letter(from_, written.subject, written.text, written.html, language, headers)
    address = notice.email or subscriber.email
    message_id = stable_message_id(f"{notice.kind}-{notice.pk}", subscriber.public_id.hex, from_.domain)
    recipient = Recipient(address, message_id, values)
    if headers is not None:
        recipient.unsubscribe_url = values["unsubscribe"]
        leaving = leaving_by_mail.addresses_at(mails.parameters().bounce_address)
        recipient.unsubscribe_mail = leaving.of(subscriber.unsubscribe_token) if leaving is not None else ""
    content = render(letter).fill(recipient, mails.signers(from_, strict=False))
    return Envelope(notice.pk, mails.return_path(f"n-{notice.pk}", from_), address, content)


def _confirmation(notice: Notice) -> Written:
    token = _token(notice, Token.Purpose.CONFIRM, mails.parameters().confirmation_hours)
    return mails.write_confirmation(url("confirm", token))


def _new_address(notice: Notice) -> Written:
    token = _token(notice, Token.Purpose.ADDRESS, ADDRESS_HOURS, email=notice.email)
    return write_new_address(url("address", token))


def _data(notice: Notice) -> Written:
    return write_data(url("my_data", _token(notice, Token.Purpose.DATA, DATA_HOURS)))


def _token(notice: Notice, purpose: str, hours: int, *, email: str | None = None) -> str:
    """One for each try, as only its hash is kept; that of a try in which nothing left us goes."""
    if notice.has_not_left:
        made = Token.objects.filter(subscriber=notice.subscriber, purpose=purpose, created_at__gte=notice.created_at)
        made.filter(used_at=None).delete()
    return Token.make(purpose, notice.subscriber, hours=hours, email=email)


def write_new_address(link: str) -> Written:
    """To the new address: it is used only once its owner says so."""
    subject = _("Confirm your new address for %(site)s") % {"site": site.current().title}
    return write("address", subject, context(link=link, hours=ADDRESS_HOURS))


def write_moved(moment: str) -> Written:
    """To the address that was left. The new one is not named: this mailbox may be another person's by now."""
    subject = _("Your address for %(site)s was changed") % {"site": site.current().title}
    return write("moved", subject, context(link=url("my_data_ask"), moment=moment))


def _moved(notice: Notice) -> Written:
    return write_moved(formats.date_format(timezone.localtime(notice.created_at), "DATETIME_FORMAT"))


def write_data(link: str) -> Written:
    """To a known address whose owner, or somebody else, asked what is kept about it."""
    subject = _("Your data at %(site)s") % {"site": site.current().title}
    return write("data", subject, context(link=link, hours=DATA_HOURS))


_WORDS: dict[str, Callable[[Notice], Written]] = {
    Notice.Kind.CONFIRM: _confirmation,
    Notice.Kind.WELCOME: lambda notice: mails.write_welcome(),
    Notice.Kind.ADDRESS: _new_address,
    Notice.Kind.MOVED: _moved,
    Notice.Kind.DATA: _data,
}


# -- Tests and previews ----------------------------------------------------------------------------------------------
def content_of(issue: Issue) -> tuple[Written, str] | None:
    """What an issue says, and its language: frozen, or for a draft what the article says now. None when the article is not public."""
    if issue.started_at is not None:
        return Written(issue.subject, issue.html, issue.text), mails.language_of(issue.language)
    announcement = hooks.first("render_announcement", issue.article_uuid)
    if announcement is None:
        return None
    return mails.write_issue(announcement), mails.language_of(announcement.language)


def sample(issue: Issue, address: str, name: str, *, signed: bool = False) -> bytes | None:
    """An issue as one reader gets it, its links leading to a page that explains them. None: see `content_of`.

    Args:
        name: makes the Message-ID.
        signed: as mails are that leave the site.
    """
    found = content_of(issue)
    if found is None:
        return None
    (written, language), from_ = found, mails.sender()
    with translation.override(language):
        subject = mails.one_line(_("[Test] %(subject)s") % {"subject": written.subject})
        values = {"unsubscribe": url("unsubscribe", TEST_TOKEN), "preferences": url("preferences", TEST_TOKEN)}
    letter = Letter(from_, subject, written.text, written.html, language)
    message_id = stable_message_id(name, issue.key.hex, from_.domain)
    signers = mails.signers(from_, strict=False) if signed else ()
    return render(letter).fill(Recipient(address, message_id, values), signers)


def envelope_of_test(mail: TestMail) -> Envelope | None:
    """None when there is nothing to send any more."""
    content = sample(mail.issue, mail.email, f"test-{mail.pk}", signed=True)
    returns_to = mails.return_path(f"t-{mail.pk}", mails.sender())
    return Envelope(mail.pk, returns_to, mail.email, content) if content is not None else None
