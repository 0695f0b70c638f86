"""A message: rendered once, personalised by bytes.

`Letter` says what all recipients get; `render` turns it into a `Skeleton` of literal bytes and holes; `Skeleton.fill` puts one
recipient's values in. A hole in text or HTML is written by `hole`, between two private-use characters which `without_holes` takes
out of what authors wrote; its value is escaped for the part it stands in. Headers that differ by recipient
are whole header lines in front of the skeleton. Sources: RFC 5322, 2045 (quoted-printable),
2919 (List-Id), 2369 (List-*), 3834 (Auto-Submitted), 8058 (one-click unsubscribe).
"""

from __future__ import annotations

import datetime as dt
import html as html_module
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import css_inline

from webstreet.mail.address import normal_address
from webstreet.mail.errors import HeaderInvalid

NAME_MAX = 100
"""Longest display name of a sender, in characters."""
HEADER_MAX = 900
"""Longest value of a per-recipient header, in octets: below RFC 5322's hard limit of 998 a line."""
_HOLE = re.compile("\ue000([a-z_]+)\ue001")
_INLINER = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=True, keep_at_rules=True)
_POLICY = SMTP.clone(raise_on_defect=False, max_line_length=76)


def hole(name: str) -> str:
    """The place of ``name`` (a-z and _) in text or HTML."""
    return f"\ue000{name}\ue001"


def without_holes(text: str) -> str:
    """``text`` as an author wrote it, without the two characters that would make a hole."""
    return text.replace("\ue000", "").replace("\ue001", "")


def header_text(value: str, *, limit: int = HEADER_MAX) -> str:
    """Return ``value`` if it may stand in a header, else refuse it: control characters would let it end the header.

    Raises:
        HeaderInvalid: CR, LF, NUL or another control character, or longer than ``limit`` characters.
    """
    if any(ord(c) < 32 or ord(c) == 127 or c in "\u0085\u2028\u2029" for c in value):
        raise HeaderInvalid("A header of a mail has no line ends or control characters.")
    if len(value) > limit:
        raise HeaderInvalid(f"A header of a mail has at most {limit} characters.", code="mail.header_too_long")
    return value


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


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient: envelope address (normalised), stable Message-ID (without brackets), and the values of the holes."""

    address: str
    message_id: str
    values: Mapping[str, str] = field(default_factory=dict)
    unsubscribe_url: str = ""


def stable_message_id(mailing: str, recipient: str, domain: str) -> str:
    """The same for the same mailing and recipient, for ever: a receiver can drop a second copy (RFC 5322 3.6.4)."""
    for part in (mailing, recipient, domain):
        if not re.fullmatch(r"[A-Za-z0-9.-]+", part):
            raise HeaderInvalid("A Message-ID is made of letters, digits, dots and hyphens.")
    return f"{mailing}.{recipient}@{domain}"


@dataclass(frozen=True, slots=True)
class Skeleton:
    """Literal bytes with holes between them: ``literals[0] hole[0] literals[1] ...``; a hole is (name, is_html)."""

    literals: tuple[bytes, ...]
    holes: tuple[tuple[str, bool], ...]
    is_list: bool

    def fill(self, recipient: Recipient) -> bytes:
        """The complete message for ``recipient``, lines ended by CRLF, not dot-stuffed.

        Raises:
            HeaderInvalid: a value would break a header, or a hole has no value.
        """
        out = [_recipient_headers(recipient, self.is_list), self.literals[0]]
        known: dict[tuple[str, bool], bytes] = {}
        for hole, literal in zip(self.holes, self.literals[1:], strict=True):
            value = known.get(hole)
            if value is None:
                value = known[hole] = _encode_value(recipient.values, *hole)
            out += (value, literal)
        return b"".join(out)


def _encode_value(values: Mapping[str, str], name: str, is_html: bool) -> bytes:
    if name not in values:
        raise HeaderInvalid(
            f"The mail has a place for {name}, and there is no value for it.", code="mail.value_missing"
        )
    value = html_module.escape(values[name]) if is_html else values[name]
    return _quoted_printable(value).encode("ascii")


def _recipient_headers(recipient: Recipient, is_list: bool) -> bytes:
    lines = [f"To: {recipient.address}", f"Message-ID: <{recipient.message_id}>"]
    if recipient.unsubscribe_url:
        lines.append(f"List-Unsubscribe: <{recipient.unsubscribe_url}>")
        lines.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    elif is_list:
        raise HeaderInvalid("A mail of a list needs the recipient's unsubscribe address.", code="mail.value_missing")
    for line in lines:
        header_text(line, limit=HEADER_MAX)
    try:
        return ("\r\n".join(lines) + "\r\n").encode("ascii")
    except UnicodeEncodeError:
        raise HeaderInvalid("A recipient's header has characters outside ASCII.") from None


def render(letter: Letter) -> Skeleton:
    """Build the MIME skeleton of ``letter``: multipart/alternative, text first, CSS inlined into the HTML.

    Raises:
        HeaderInvalid, AddressInvalid: something of the letter cannot stand in a header.
    """
    message = EmailMessage(policy=_POLICY)
    _static_headers(message, letter)
    holes: dict[str, tuple[str, bool]] = {}
    message.make_alternative()
    message.set_payload([])
    for subtype, body in (("plain", letter.text), ("html", _INLINER.inline(letter.html))):
        part = EmailMessage(policy=_POLICY)
        part["Content-Type"] = f'text/{subtype}; charset="utf-8"'
        part["Content-Transfer-Encoding"] = "quoted-printable"
        part.set_payload(_encode_with_tokens(body, subtype == "html", holes))
        del part["MIME-Version"]
        message.attach(part)
    del message["MIME-Version"]
    message["MIME-Version"] = "1.0"
    return _split(message.as_bytes(), holes, letter.list is not None)


def _static_headers(message: EmailMessage, letter: Letter) -> None:
    local, _, domain = letter.sender.address.rpartition("@")
    message["From"] = Address(header_text(letter.sender.name, limit=NAME_MAX), local, domain)
    message["Subject"] = header_text(letter.subject)
    message["Date"] = format_datetime(letter.date or dt.datetime.now(dt.UTC))
    message["Content-Language"] = header_text(letter.language)
    message["Auto-Submitted"] = "auto-generated"
    if letter.sender.reply_to:
        message["Reply-To"] = letter.sender.reply_to
    if letter.list:
        name = "".join(c for c in letter.list.name if c.isascii() and c.isprintable() and c not in '<>"\\').strip()
        message["List-Id"] = header_text(f'"{name}" <{letter.list.id}>' if name else f"<{letter.list.id}>")
        if letter.list.archive:
            message["List-Archive"] = header_text(f"<{letter.list.archive}>")
        if letter.list.feedback_id:
            message["Feedback-ID"] = header_text(letter.list.feedback_id)
    for name, value in letter.headers.items():
        message[header_text(name)] = header_text(value)


def _quoted_printable(text: str) -> str:
    """Quoted-printable with CRLF line ends (RFC 2045 6.7); characters of UTF-8 are first mapped to one character an octet."""
    lines = re.sub(r"\r\n|\r|\n", "\n", text)
    octets = lines.encode("utf-8").decode("latin-1")
    quoted = "".join(c if c == "\n" or (32 <= ord(c) < 127 and c != "=") else f"={ord(c):02X}" for c in octets)
    return _fold(quoted)


def _fold(quoted: str) -> str:
    """Break already quoted text into lines of at most 76 characters with soft line breaks, and guard white space at line ends."""
    out = []
    for line in quoted.split("\n"):
        if line.endswith(" "):
            line = line[:-1] + "=20"
        while len(line) > 75:
            cut = 75
            for back in (1, 2):
                if line[cut - back] == "=":
                    cut -= back
                    break
            out.append(line[:cut] + "=\r\n")
            line = line[cut:]
        out.append(line + "\r\n")
    return "".join(out)[:-2]


def _encode_with_tokens(body: str, is_html: bool, holes: dict[str, tuple[str, bool]]) -> str:
    """Quote the text between holes; put a token for each hole on a line of its own, between soft line breaks."""
    pieces: list[str] = []
    position = 0
    for match in _HOLE.finditer(body):
        token = f"HOLE{secrets.token_hex(12)}"
        holes[token] = (match.group(1), is_html)
        pieces += (_quoted_printable(body[position : match.start()]), "=\r\n", token, "=\r\n")
        position = match.end()
    pieces.append(_quoted_printable(body[position:]))
    return "".join(pieces) + "\r\n"


def _split(content: bytes, holes: Mapping[str, tuple[str, bool]], is_list: bool) -> Skeleton:
    if not holes:
        return Skeleton((content,), (), is_list)
    pattern = re.compile(b"(" + b"|".join(re.escape(token.encode()) for token in holes) + b")")
    pieces: Sequence[bytes] = pattern.split(content)
    return Skeleton(tuple(pieces[::2]), tuple(holes[token.decode()] for token in pieces[1::2]), is_list)
