"""The body of a text part as bytes with holes: quoted-printable or base64 (RFC 2045 6.7, 6.8), whichever is shorter.

What is the same for all recipients is encoded once; a recipient costs the encoding of its values. Lines have at most 76 characters, end
with CRLF, never begin with a dot (so nothing has to be stuffed on the way) and have no two white-space characters together or at
their end (so the relaxed canonical form of DKIM is the body itself).
"""

from __future__ import annotations

import binascii
import html as html_module
import re
from collections.abc import Mapping
from dataclasses import dataclass

from webstreet.mail.errors import HeaderInvalid

_HOLE = re.compile("\ue000([a-z_]+)\ue001")
_LINE_END = re.compile(r"\r\n|\r|\n")
_AS_IT_IS = re.compile(r"[!#-%(-;?-~]+(?: [!#-%(-;?-~]+)*\Z")
"""Text that quoted-printable and HTML leave as it is, and in which no white space is at an end or doubled."""
_QUOTED = {octet: f"={octet:02X}" for octet in range(256) if not (32 <= octet < 127) or octet == ord("=")}
_QUOTED.pop(ord("\n"))
CLEARLY = 1.25
_WIDTH = 76
_QUOTED_WIDTH = _WIDTH - 1
"""Without the = of a soft line break."""


def hole(name: str) -> str:
    """The place of ``name`` (a-z and _) in text or HTML."""
    return f"\ue000{name}\ue001"


def without_holes(text: str) -> str:
    """``text`` as an author wrote it, without the two characters that would make a hole."""
    return text.replace("\ue000", "").replace("\ue001", "")


def value_of(values: Mapping[str, str], name: str, *, is_html: bool) -> str:
    """The value for a hole, escaped for where it stands.

    Raises:
        HeaderInvalid: there is none.
    """
    value = values.get(name)
    if value is None:
        raise HeaderInvalid(
            f"The mail has a place for {name}, and there is no value for it.", code="mail.value_missing"
        )
    return html_module.escape(value) if is_html else value


def filled(text: str, values: Mapping[str, str]) -> str:
    """``text`` with its holes filled, nothing escaped; raises as `value_of` does."""
    return _HOLE.sub(lambda found: value_of(values, found[1], is_html=False), text)


@dataclass(frozen=True, slots=True)
class QuotedPart:
    """A part in quoted-printable: ``literals[0] hole[0] literals[1] ...``. Each value stands on lines of its own."""

    literals: tuple[bytes, ...]
    holes: tuple[str, ...]
    is_html: bool

    encoding = "quoted-printable"

    @classmethod
    def of(cls, text: str, *, is_html: bool) -> QuotedPart:
        pieces = _HOLE.split(text)
        quoted = [quoted_printable(piece).encode("ascii") for piece in pieces[::2]]
        literals = [b"=\r\n" * (i > 0) + piece + b"=\r\n" * (i < len(quoted) - 1) for i, piece in enumerate(quoted)]
        if len(quoted) > 1 and not quoted[-1]:
            literals[-1] = b""  # A soft line break at the very end confuses readers.
        return cls((*literals[:-1], literals[-1] + b"\r\n"), tuple(pieces[1::2]), is_html)

    @property
    def start(self) -> bytes:
        """What comes before the first value."""
        return self.literals[0]

    def rest(self, values: Mapping[str, str]) -> list[bytes]:
        """What comes after `start`.

        Raises:
            HeaderInvalid: see `value_of`.
        """
        out: list[bytes] = []
        known: dict[str, bytes] = {}
        for name, literal in zip(self.holes, self.literals[1:], strict=True):
            value = known.get(name)
            if value is None:
                value = known[name] = self._encoded(values, name)
            out += (value, literal)
        return out

    def _encoded(self, values: Mapping[str, str], name: str) -> bytes:
        value = values.get(name)
        if value is not None and _AS_IT_IS.match(value):
            is_line = len(value) <= _QUOTED_WIDTH and value[0] != "."
            return (value if is_line else _folded(value)).encode("ascii")
        return quoted_printable(value_of(values, name, is_html=self.is_html)).encode("ascii")


def quoted_printable(text: str) -> str:
    """Quoted-printable with CRLF line ends; characters of UTF-8 are first mapped to one character an octet."""
    lines = _LINE_END.sub("\n", text)
    quoted = lines.encode("utf-8", "replace").decode("latin-1").translate(_QUOTED)
    if "  " in quoted:
        quoted = quoted.replace("  ", " =20")
    return _folded(quoted)


def _folded(quoted: str) -> str:
    """Break quoted text into lines with soft line breaks, and guard white space at line ends and dots at line beginnings."""
    out: list[str] = []
    for line in quoted.split("\n"):
        if line.endswith(" "):
            line = line[:-1] + "=20"
        if line.startswith("."):
            line = "=2E" + line[1:]
        while len(line) > _QUOTED_WIDTH:
            cut = _QUOTED_WIDTH
            for back in (1, 2):
                if line[cut - back] == "=":
                    cut -= back
                    break
            out += (line[:cut], "=\r\n")
            line = line[cut:]
            if line.startswith("."):
                line = "=2E" + line[1:]
        out += (line, "\r\n")
    return "".join(out[:-1])


@dataclass(frozen=True, slots=True)
class _Phase:
    """A literal after a value that left it ``len(head)`` octets short of three: the middle is encoded, the ends are not."""

    head: bytes
    encoded: bytes
    tail: bytes


@dataclass(frozen=True, slots=True)
class Base64Part:
    """A part in base64. A value moves what follows by 0, 1 or 2 octets, so each literal is encoded for the three cases."""

    start: bytes
    carried: bytes
    literals: tuple[tuple[_Phase, _Phase, _Phase], ...]
    holes: tuple[str, ...]
    is_html: bool

    encoding = "base64"

    @classmethod
    def of(cls, text: str, *, is_html: bool) -> Base64Part:
        pieces = _HOLE.split(text)
        octets = [_LINE_END.sub("\r\n", piece).encode("utf-8", "replace") for piece in pieces[::2]]
        first = _phase(octets[0], 0)
        if len(octets) == 1:
            return cls(first.encoded + _wrapped(first.tail), b"", (), (), is_html)
        rest = tuple((_phase(piece, 0), _phase(piece, 1), _phase(piece, 2)) for piece in octets[1:])
        return cls(first.encoded, first.tail, rest, tuple(pieces[1::2]), is_html)

    def rest(self, values: Mapping[str, str]) -> list[bytes]:
        """See `QuotedPart.rest`."""
        out: list[bytes] = []
        carried = self.carried
        for name, phases in zip(self.holes, self.literals, strict=True):
            value = value_of(values, name, is_html=self.is_html)
            carried += _LINE_END.sub("\r\n", value).encode("utf-8", "replace")
            phase = phases[-len(carried) % 3]
            carried += phase.head
            whole = len(carried) - len(carried) % 3
            out += (_wrapped(carried[:whole]), phase.encoded)
            carried = carried[whole:] + phase.tail
        out.append(_wrapped(carried))
        return out


def _phase(literal: bytes, short: int) -> _Phase:
    """``literal`` when ``short`` octets of it are needed to make what came before a multiple of three."""
    end = len(literal) - (len(literal) - short) % 3 if len(literal) >= short else short
    return _Phase(literal[:short], _wrapped(literal[short:end]), literal[end:])


def _wrapped(octets: bytes) -> bytes:
    if not octets:
        return b""
    encoded = binascii.b2a_base64(octets, newline=False)
    if len(encoded) <= _WIDTH:
        return encoded + b"\r\n"
    return b"".join(encoded[i : i + _WIDTH] + b"\r\n" for i in range(0, len(encoded), _WIDTH))


Part = QuotedPart | Base64Part


def part_of(text: str, *, is_html: bool) -> Part:
    """Base64 where that is clearly shorter: in most scripts but Latin. Spam filters trust quoted-printable more."""
    quoted, packed = QuotedPart.of(text, is_html=is_html), 1.37 * len(text.encode("utf-8", "replace"))
    if sum(map(len, quoted.literals)) <= CLEARLY * packed:
        return quoted
    return Base64Part.of(text, is_html=is_html)
