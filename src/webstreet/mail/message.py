"""A message: rendered once, personalised by bytes.

`Letter` says what all recipients get; `render` turns it into a `Skeleton`: bytes with holes; `Skeleton.fill` puts one recipient's values
in, and signs. A hole in text or HTML is written by `hole`, between two private-use characters which `without_holes` takes out of what
authors wrote; its value is escaped for the part it stands in. Headers that differ by recipient are whole header lines in front of the
others. Sources: RFC 5322, 2045, 2919 (List-Id), 2369 (List-*), 3834 (Auto-Submitted), 8058 (one-click unsubscribe).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import format_datetime

import css_inline

from webstreet.mail import headers
from webstreet.mail.address import normal_address
from webstreet.mail.body import Part, hole, part_of, without_holes
from webstreet.mail.content import Pieces, Plain
from webstreet.mail.dkim import Shared, Signer, Signing, canonical_header, shared
from webstreet.mail.errors import HeaderInvalid
from webstreet.mail.headers import HEADER_MAX, NAME_MAX, header_text

__all__ = [
    "HEADER_MAX", "NAME_MAX", "Letter", "ListHeaders", "Recipient", "Sender", "Skeleton", "header_text", "hole", "render",
    "stable_message_id", "without_holes",
]  # fmt: skip

_OWN, _OWN_OF_LIST = ("to", "message-id"), ("list-unsubscribe", "list-unsubscribe-post")
"""Headers that differ by recipient, in the order in which `recipient_headers` writes them."""
_INLINER = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=True, keep_at_rules=True)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who a message is from. ``address`` is normalised."""

    name: str
    address: str
    reply_to: str = ""

    def __post_init__(self) -> None:
        header_text(self.name, limit=NAME_MAX)
        object.__setattr__(self, "address", normal_address(self.address))
        if self.reply_to:
            object.__setattr__(self, "reply_to", normal_address(self.reply_to))

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class ListHeaders:
    """What makes a message part of a list.

    Attributes:
        id: ``news.site.example``, the same for every issue (RFC 2919).
        name: the list's title for people.
        archive: URL of where issues can be read on the web.
        feedback_id: ``issue:list:site:sender`` as mailbox providers count complaints by it; at most 4 fields.
    """

    id: str
    name: str = ""
    archive: str = ""
    feedback_id: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """What every recipient of one mailing gets. ``text`` and ``html`` may have holes."""

    sender: Sender
    subject: str
    text: str
    html: str
    language: str = "en"
    list: ListHeaders | None = None
    date: dt.datetime | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)  # Made for each message: to freeze it would take three times as long.
class Recipient:
    """One recipient.

    Attributes:
        address: of the envelope, normalised.
        message_id: stable, without brackets.
        values: of the holes.
        unsubscribe_url: acts on one POST (RFC 8058).
        unsubscribe_mail: an address that unsubscribes whoever writes to it, perhaps with ``?subject=...``; beside the URL, for programs
            that know only mail.
        name: of a person, shown beside the address.
    """

    address: str
    message_id: str
    values: Mapping[str, str] = field(default_factory=dict)
    unsubscribe_url: str = ""
    unsubscribe_mail: str = ""
    name: str = ""


def stable_message_id(mailing: str, recipient: str, domain: str) -> str:
    """The same for the same mailing and recipient, for ever: a receiver can drop a second copy (RFC 5322 3.6.4)."""
    for part in (mailing, recipient, domain):
        if not re.fullmatch(r"[A-Za-z0-9.-]+", part):
            raise HeaderInvalid("A Message-ID is made of letters, digits, dots and hyphens.")
    return f"{mailing}.{recipient}@{domain}"


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A message for everybody, with holes.

    Attributes:
        head: the headers that all share, and the empty line.
        between: what stands in front of each part but the first; ``end``: after the last.
        signed: what is signed of the headers that all share, without and with those about unsubscribing (`webstreet.mail.dkim`).
        start: what the bodies of all begin with. ``start_hash``: SHA-256 so far, copied for each.
    """

    head: bytes
    parts: tuple[Part, ...]
    between: tuple[bytes, ...]
    end: bytes
    is_list: bool
    signed: tuple[Shared, Shared]
    start: bytes
    start_hash: hashlib._Hash

    def fill(self, recipient: Recipient, signers: Sequence[Signer] = (), *, now: int | None = None) -> bytes:
        """The complete message for ``recipient``, see `pieces`; a `Plain` unless the address is outside ASCII."""
        made = self.pieces(recipient, signers, now=now)
        return Plain(made) if isinstance(made, Pieces) else made

    def pieces(self, recipient: Recipient, signers: Sequence[Signer] = (), *, now: int | None = None) -> Pieces | bytes:
        """The complete message for ``recipient``, lines ended by CRLF, not dot-stuffed; whole when the address is outside ASCII.

        Args:
            signers: a DKIM signature each, in this order.
            now: when it is signed, in seconds since 1970; None: now.

        Raises:
            HeaderInvalid: a value would break a header, or a hole has no value.
        """
        lines = recipient_headers(recipient, self.is_list)
        body = [self.start, *self.parts[0].rest(recipient.values)]
        for between, part in zip(self.between, self.parts[1:], strict=True):
            body += (between, part.start, *part.rest(recipient.values))
        body.append(self.end)
        own = "".join(lines)
        signed = self._signed(lines, body, signers, now) if signers else b""
        if own.isascii():
            return Pieces((signed, own.encode("ascii"), self.head, *body))
        return b"".join((signed, own.encode("utf-8"), self.head, *body))

    def _signed(self, lines: Sequence[str], body: Sequence[bytes], signers: Sequence[Signer], now: int | None) -> bytes:
        body_hash = self.start_hash.copy()
        body_hash.update(b"".join(body[1:]))  # The parts are canonical already: see `webstreet.mail.body`.
        listed, data = self.signed_headers(lines)
        return Signing(signers, listed).headers(data, body_hash.digest(), now)

    def signed_headers(self, lines: Sequence[str]) -> tuple[str, bytes]:
        """`Shared.listed` and `Shared.data` of a recipient's own headers."""
        common = self.signed[len(lines) > len(_OWN)]
        return common.listed, common.data([canonical_header(line)[1] for line in lines])


def recipient_headers(recipient: Recipient, is_list: bool) -> list[str]:
    """The headers that differ by recipient, a line each; raises as `Skeleton.pieces` does."""
    lines = [
        headers.mailbox_field("To", recipient.name, recipient.address),
        headers.message_id_field(recipient.message_id),
    ]
    if recipient.unsubscribe_url:
        mail = f"<mailto:{recipient.unsubscribe_mail}>, " if recipient.unsubscribe_mail else ""
        # Not folded: it would take longer to sign, and each of the two alone is as long as a line should be.
        lines.append(headers.token_field("List-Unsubscribe", f"{mail}<{recipient.unsubscribe_url}>"))
        lines.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n")
    elif is_list:
        raise HeaderInvalid("A mail of a list needs the recipient's unsubscribe address.", code="mail.value_missing")
    return lines


def render(letter: Letter) -> Skeleton:
    """Build the MIME skeleton of ``letter``: multipart/alternative, text first, CSS inlined into the HTML.

    Raises:
        HeaderInvalid, AddressInvalid: something of the letter cannot stand in a header.
    """
    boundary = f"=_{secrets.token_hex(12)}"  # In neither encoding can = be followed by _.
    lines = _static_headers(letter)
    lines += ["MIME-Version: 1.0\r\n", f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n']
    parts, fronts = [], []
    for subtype, body in (("plain", letter.text), ("html", _INLINER.inline(letter.html))):
        part = part_of(body, is_html=subtype == "html")
        parts.append(part)
        fronts.append(
            f'--{boundary}\r\nContent-Type: text/{subtype}; charset="utf-8"\r\n'
            f"Content-Transfer-Encoding: {part.encoding}\r\n\r\n".encode("ascii")
        )
    start = fronts[0] + parts[0].start
    signed = dict(canonical_header(line) for line in lines)
    return Skeleton(
        head="".join((*lines, "\r\n")).encode("ascii"),
        parts=tuple(parts),
        between=tuple(fronts[1:]),
        end=f"--{boundary}--\r\n".encode("ascii"),
        is_list=letter.list is not None,
        signed=(shared(signed, _OWN), shared(signed, (*_OWN, *_OWN_OF_LIST))),
        start=start,
        start_hash=hashlib.sha256(start),
    )


def _static_headers(letter: Letter) -> list[str]:
    sender, mailing_list = letter.sender, letter.list
    lines = [
        headers.mailbox_field("From", sender.name, sender.address),
        headers.field("Subject", letter.subject),
        headers.token_field("Date", format_datetime(letter.date or dt.datetime.now(dt.UTC))),
        headers.token_field("Content-Language", letter.language),
        headers.token_field("Auto-Submitted", "auto-generated"),
    ]
    if sender.reply_to:
        lines.append(headers.mailbox_field("Reply-To", "", sender.reply_to))
    if mailing_list:
        bare = headers.token_field("List-Id", f"<{mailing_list.id}>")
        named = mailing_list.name and headers.mailbox_field(
            "List-Id", mailing_list.name, mailing_list.id, always_quoted=True
        )
        lines.append(named or bare)
        if mailing_list.archive:
            lines.append(headers.token_field("List-Archive", f"<{mailing_list.archive}>"))
        if mailing_list.feedback_id:
            lines.append(headers.token_field("Feedback-ID", mailing_list.feedback_id))
    return lines + [headers.field(name, value) for name, value in letter.headers.items()]
