"""The words of the list's mails: confirmation, welcome, issue. Rendered once; what differs by recipient are holes.

What goes to one person only, and tests, is `webstreet.atoms.newsletter.letters`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from django.template.loader import render_to_string
from django.utils import formats, timezone, translation
from django.utils.html import escape
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from webstreet.atoms.newsletter import identity, leaving_by_mail, ledger
from webstreet.atoms.newsletter.atom import Params
from webstreet.atoms.newsletter.direction import directed
from webstreet.atoms.newsletter.models.issue import Issue
from webstreet.atoms.newsletter.models.lists import MailingList
from webstreet.atoms.newsletter.models.subscriber import preferences_token
from webstreet.atoms.newsletter.plain import text_of, wrapped
from webstreet.contract.environment import EMAIL_URL, read
from webstreet.engine import addresses, sealing, site
from webstreet.engine.announcements import Announcement
from webstreet.kernel.errors import BadInput
from webstreet.mail.address import normal_address
from webstreet.mail.dkim import Algorithm, Signer
from webstreet.mail.merge import Mergeable
from webstreet.mail.message import (
    NAME_MAX,
    Letter,
    ListHeaders,
    Sender,
    Skeleton,
    hole,
    render,
    without_holes,
)
from webstreet.mail.pump import Envelope
from webstreet.mail.series import Series
from webstreet.mail.url import DEFAULT_EMAIL_URL, EmailUrl
from webstreet.mail.verp import ReturnPaths

UNSUBSCRIBE = mark_safe(hole("unsubscribe"))  # noqa: S308 two private-use characters around a word
PREFERENCES = mark_safe(hole("preferences"))  # noqa: S308 the same
SUBJECT_MAX = 200


def parameters() -> Params:
    found: Params = site.parameters("newsletter")
    return found


def sender() -> Sender:
    """From the parameters, else the site's title and ``newsletter@`` its first domain."""
    chosen = parameters()
    manifest = site.current()
    host = urlsplit(site.base_url()).hostname or ""
    candidates = [chosen.sender_address, *(f"newsletter@{name}" for name in (*manifest.domains, host))]
    candidates.append(f"newsletter@{manifest.site}.{manifest.client}.invalid")
    name = chosen.sender_name or one_line(manifest.title, NAME_MAX)
    return Sender(name, next(filter(None, map(_usable, candidates))), chosen.reply_to)


_ALGORITHMS: dict[str, tuple[Algorithm, ...]] = {
    "both": ("rsa-sha256", "ed25519-sha256"),
    "rsa": ("rsa-sha256",),
    "off": (),
}


def algorithms() -> tuple[Algorithm, ...]:
    """Of the signatures that the site wants on its mails."""
    return _ALGORITHMS[parameters().dkim]


def signers(from_: Sender, *, strict: bool = True) -> tuple[Signer, ...]:
    """Who signs mails from ``from_``: see `identity.signers`."""
    return identity.signers(from_.domain, algorithms(), strict=strict)


def envelope_domain() -> str:
    """The domain whose SPF counts: of the addresses to which mails come back."""
    return (parameters().bounce_address or sender().address).rpartition("@")[2]


def mail_servers() -> list[EmailUrl]:
    """Those of EMAIL_URL. Raises `EmailUrlInvalid`."""
    return EmailUrl.parse_all(read(os.environ, EMAIL_URL, DEFAULT_EMAIL_URL))


def return_paths() -> ReturnPaths | None:
    """Makes and reads the addresses to which mails come back; None when the site has no mailbox for that.

    They name a mail as `return_path` says. With another SECRET_KEY no older one is ours.
    """
    mailbox = parameters().bounce_address
    return ReturnPaths(mailbox, sealing.derived("newsletter.return-paths")) if mailbox else None


def return_path(name: str, from_: Sender) -> str:
    """Where a mail comes back to. ``name`` is what the address says of it: ``d-7`` the delivery 7, ``n-7`` the notice, ``t-7`` the test."""
    paths = return_paths()
    return paths.make(name) if paths is not None else from_.address


def _usable(address: str) -> str:
    try:
        return normal_address(address)
    except BadInput:
        return ""


def one_line(text: str, limit: int = SUBJECT_MAX) -> str:
    """``text`` without line ends, control characters and holes, at most ``limit`` characters."""
    line = " ".join("".join(c if c.isprintable() or c.isspace() else " " for c in without_holes(text)).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def url(name: str, *args: str) -> str:
    """Absolute address of one of our pages in the active language."""
    return site.absolute(addresses.for_readers(f"newsletter:{name}", *args))


def language_of(text: str) -> str:
    """``text`` if the site speaks it, else the site's first language."""
    languages = site.current().languages
    return text if text in languages else languages[0]


def context(**more: object) -> dict[str, object]:
    """What every mail's templates know."""
    return {
        "site_title": site.current().title,
        "home_url": site.absolute("/"),
        "postal_address": parameters().postal_address,
        "language": translation.get_language() or "en",
        **more,
    }


@dataclass(frozen=True, slots=True)
class Written:
    """Subject and both bodies of a mail."""

    subject: str
    html: str
    text: str


def write(template: str, subject: str, words: dict[str, object]) -> Written:
    """Render ``newsletter/mails/<template>`` as HTML and as text."""
    words = words | {"subject": subject}
    html = render_to_string(f"newsletter/mails/{template}.html", words)
    text = render_to_string(f"newsletter/mails/{template}.txt", words)
    return Written(one_line(subject), html, wrapped(text))


def write_confirmation(link: str) -> Written:
    """Nothing in it comes from whoever filled in the form."""
    hours = parameters().confirmation_hours
    subject = _("Confirm your subscription to %(site)s") % {"site": site.current().title}
    return write("confirm", subject, context(link=link, hours=hours))


def write_welcome() -> Written:
    subject = _("Welcome to %(site)s") % {"site": site.current().title}
    return write("welcome", subject, context(link=site.absolute("/"), unsubscribe=UNSUBSCRIBE, preferences=PREFERENCES))


def write_issue(announcement: Announcement) -> Written:
    """The article as a mail, in its language; frozen into the issue at its start."""
    with translation.override(language_of(announcement.language)):
        body = without_holes(announcement.body_html)
        title = without_holes(announcement.title)
        date = formats.date_format(timezone.localtime(announcement.published_at), "DATE_FORMAT")
        words = context(
            title=title,
            excerpt=without_holes(announcement.excerpt),
            intro=without_holes(announcement.intro),
            body=mark_safe(directed(body)),  # noqa: S308 the announcement's body is sanitised by contract
            body_text=mark_safe(text_of(body)),  # noqa: S308 goes into text/plain
            article_url=announcement.url,
            cover_url=announcement.cover_url,
            author=without_holes(announcement.author),
            date=date,
            unsubscribe=UNSUBSCRIBE,
            preferences=PREFERENCES,
        )
        return write("issue", one_line(title), words)


def list_headers(mailing_list: MailingList, feedback: str) -> ListHeaders:
    """List-Id is ``list.host``, the same for every issue; Feedback-ID counts by issue or kind, list and site."""
    host = (urlsplit(site.base_url()).hostname or "localhost").strip("[]").replace(":", "-")
    return ListHeaders(f"{mailing_list.key}.{host}", mailing_list.title, site.absolute("/"), f"{feedback}:webstreet")


def site_name() -> str:
    """``client-site``, as feedback ids name us."""
    manifest = site.current()
    return f"{manifest.client}-{manifest.site}"


class Mailing:
    """An issue ready for byte-wise personalisation.

    Raises:
        KeyUnreadable: see `identity.signers`.
    """

    def __init__(self, issue: Issue) -> None:
        self._key = issue.key.hex
        self._language = language_of(issue.language)
        self._skeleton, self._sender = _skeleton(self._key, sender(), self._language)
        self._signers, self._paths = signers(self._sender), return_paths()
        # For an API, so that it can put many into one call, and knows which mails are one letter.
        self._is_mergeable = any(url.provider for url in mail_servers())
        link = _link("unsubscribe", self._language)
        names = ("unsubscribe", "preferences")
        self._series = Series(self._skeleton, self._key, self._sender.domain, link, names, self._signers)
        self._leaving = leaving_by_mail.addresses_at(parameters().bounce_address)

    def envelope(self, row: ledger.Row) -> Envelope:
        values = (row.unsubscribe_token, preferences_token(bytes.fromhex(row.public_id), row.email))
        leaving = self._leaving.of(row.unsubscribe_token) if self._leaving is not None else ""
        returns_to = self._paths.make(f"d-{row.delivery_id}") if self._paths is not None else self._sender.address
        content = self._series.pieces(row.email, row.public_id, values, leaving)
        if self._is_mergeable:
            recipient = self._series.recipient(row.email, row.public_id, values, leaving)
            return Mergeable(row.delivery_id, returns_to, row.email, content, self._skeleton, recipient)
        return Envelope(row.delivery_id, returns_to, row.email, content)


@lru_cache(maxsize=8)
def _skeleton(key: str, from_: Sender, language: str) -> tuple[Skeleton, Sender]:
    """Frozen content renders to the same bytes, so steps of one worker share it."""
    issue = Issue.objects.select_related("mailing_list").get(key=key)
    headers = list_headers(issue.mailing_list, f"{issue.key.hex[:12]}:{issue.mailing_list.key}:{site_name()}")
    text, html = issue.text, issue.html
    for name in ("unsubscribe", "preferences"):
        # The address is everybody's, but for the token in it: so it is encoded once, and only the token for each.
        link = _link(name, language)
        text, html = text.replace(hole(name), link), html.replace(hole(name), escape(link))
    letter = Letter(from_, issue.subject, text, html, language, headers, issue.started_at)
    return render(letter), from_


def _link(name: str, language: str) -> str:
    """A page's address with a hole for the token."""
    with translation.override(language):
        return url(name, "TOKEN").replace("TOKEN", hole(name))
