"""Header fields as bytes: what may stand in one, how it is folded (RFC 5322 2.2.3) and how text outside ASCII is encoded (RFC 2047).

Written here and not with `email`, because one of them is made for every recipient: that takes microseconds here.
"""

from __future__ import annotations

import binascii
import re

from webstreet.mail.errors import HeaderInvalid

NAME_MAX = 100
"""Longest display name, in characters."""
HEADER_MAX = 900
"""Longest value of a header, in characters: below RFC 5322's hard limit of 998 octets a line when it cannot be folded."""
LINE = 78
_FIELD_NAME = re.compile(r"[!-9;-~]{1,76}\Z")
_PRINTABLE = re.compile(r"[ -~]*\Z")
_CONTROL = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029]")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/?^_`{|}~-]+)*\Z")
_Q_PLAIN = re.compile(r"[A-Za-z0-9!*+/-]\Z")
_WORD_MAX = 75 - len("=?utf-8?q??=")
_MSG_ID = re.compile(r"[!-;=?-~]{1,500}\Z")


def header_text(value: str, *, limit: int = HEADER_MAX) -> str:
    """Return ``value`` if it may stand in a header, else refuse it: control characters would let it end the header.

    Raises:
        HeaderInvalid: CR, LF, NUL or another control character, or longer than ``limit`` characters.
    """
    if len(value) > limit:
        raise HeaderInvalid(f"A header of a mail has at most {limit} characters.", code="mail.header_too_long")
    if _CONTROL.search(value):
        raise HeaderInvalid("A header of a mail has no line ends or control characters.")
    return value


def field(name: str, value: str) -> str:
    """One header of free text, as Subject, with its line end; folded, encoded words where needed.

    Raises:
        HeaderInvalid: see `header_text`; or ``name`` is no name of a header.
    """
    if not _FIELD_NAME.match(name):
        raise HeaderInvalid("The name of a header is made of ASCII letters, digits and hyphens.")
    header_text(value)
    if _PRINTABLE.match(value) and "=?" not in value and value == value.strip(" "):
        line = f"{name}: {value}"
        if len(line) <= LINE:
            return line + "\r\n"
        folded = _folded(line, len(name) + 2)
        if folded is not None:
            return folded + "\r\n"
    return f"{name}: {encoded_words(value, len(name) + 2)}\r\n"


def token_field(name: str, value: str) -> str:
    """One header whose value is for machines, as a URL in angle brackets: ASCII, never encoded, not folded.

    Raises:
        HeaderInvalid: see `header_text`; or characters outside ASCII, or an unknown kind of name.
    """
    if not _FIELD_NAME.match(name):
        raise HeaderInvalid("The name of a header is made of ASCII letters, digits and hyphens.")
    if len(value) > HEADER_MAX or not _PRINTABLE.match(value):
        header_text(value)
        raise HeaderInvalid(f"The header {name} of a mail has characters outside ASCII.")
    return f"{name}: {value}\r\n"


def mailbox_field(name: str, display: str, address: str, *, always_quoted: bool = False) -> str:
    """One header with one mailbox or list, as From, To and List-Id: ``name: display <address>``.

    ``address`` is what stands between the angle brackets, normalised by who calls. One outside ASCII makes a header of RFC 6532.

    Raises:
        HeaderInvalid: see `header_text`.
    """
    if not address.isprintable() or "<" in address or ">" in address or " " in address:
        raise HeaderInvalid("An address in a header of a mail has no spaces or control characters.")
    if not display:
        return f"{name}: {address}\r\n"
    header_text(display, limit=NAME_MAX)
    words = phrase(display, len(name) + 2, always_quoted=always_quoted)
    last = len(words) - words.rfind("\n") - 1 if "\n" in words else len(name) + 2 + len(words)
    space = " " if last + len(address) + 3 <= LINE else "\r\n "
    return f"{name}: {words}{space}<{address}>\r\n"


def message_id_field(message_id: str) -> str:
    """``Message-ID`` of an id without its brackets.

    Raises:
        HeaderInvalid: it has other characters than ASCII without spaces and brackets.
    """
    if not _MSG_ID.match(message_id):
        raise HeaderInvalid("A Message-ID has no spaces, brackets or characters outside ASCII.")
    return f"Message-ID: <{message_id}>\r\n"


def phrase(text: str, used: int, *, always_quoted: bool = False) -> str:
    """``text`` as a display name (RFC 5322 3.2.5): words, a quoted string, or encoded words.

    Args:
        used: characters of the first line already taken.
    """
    if len(text) + used + 2 <= LINE and "=?" not in text and _PRINTABLE.match(text) and text == text.strip(" "):
        if not always_quoted and _ATOMS.match(text):
            return text
        if "  " not in text:  # In a quoted string they would be one space after a server refolded it.
            quoted = text.replace("\\", "\\\\").replace('"', '\\"')
            if len(quoted) + used + 2 <= LINE:
                return f'"{quoted}"'
    return encoded_words(text, used)


def encoded_words(text: str, used: int) -> str:
    """``text`` in encoded words of at most 75 characters (RFC 2047), one a line, no character cut in two.

    Q or B, whichever is shorter. Safe in a phrase (RFC 2047 5 (3)).
    """
    octets = text.encode("utf-8", "replace")
    plain = sum(_Q_PLAIN.match(c) is not None or c == " " for c in text)
    pack = _pack_q if 3 * (len(octets) - plain) + plain <= 4 * ((len(octets) + 2) // 3) else _pack_b
    words = pack(text, min(_WORD_MAX, max(12, LINE - used - 12)))
    return "\r\n ".join(words)


def _pack_q(text: str, first: int) -> list[str]:
    words, word, room = [], "", first
    for c in text:
        if c == " ":
            quoted = "_"
        elif _Q_PLAIN.match(c):
            quoted = c
        else:
            quoted = "".join(f"={octet:02X}" for octet in c.encode("utf-8", "replace"))
        if len(word) + len(quoted) > room:
            words.append(f"=?utf-8?q?{word}?=")
            word, room = "", _WORD_MAX
        word += quoted
    words.append(f"=?utf-8?q?{word}?=")
    return words


def _pack_b(text: str, first: int) -> list[str]:
    words, word, room = [], b"", first // 4 * 3
    for c in text:
        octets = c.encode("utf-8", "replace")
        if len(word) + len(octets) > room:
            words.append(_b(word))
            word, room = b"", _WORD_MAX // 4 * 3
        word += octets
    words.append(_b(word))
    return words


def _b(octets: bytes) -> str:
    return f"=?utf-8?b?{binascii.b2a_base64(octets, newline=False).decode('ascii')}?="


def _folded(line: str, start: int) -> str | None:
    """Break ``line`` before single spaces, not before ``start``; None: a word is too long for a line."""
    lines = []
    while len(line) > LINE:
        cut = line.rfind(" ", start, LINE + 1)
        while cut > start and (line[cut - 1] == " " or line[cut + 1 : cut + 2] == " "):
            cut = line.rfind(" ", start, cut)
        if cut < start:
            return None
        lines.append(line[:cut])
        line, start = line[cut:], 2
    return "\r\n".join([*lines, line])
