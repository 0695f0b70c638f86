"""`Features`: what a server offers in its answer to EHLO, and how a message is worded for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from webstreet.mail.content import Pieces, dots_stuffed, is_ascii
from webstreet.mail.pump import Envelope, Outcome, Result
from webstreet.mail.reason import reason_of

_PATH_MAX = 254


@dataclass(frozen=True, slots=True)
class Features:
    """Extensions of SMTP. The default is a server that knows only HELO.

    Attributes:
        size_max: octets of the largest message it takes (RFC 1870); 0: it names none.
        logins: names of login methods (RFC 4954).
        eightbit: 8BITMIME (RFC 6152). utf8: SMTPUTF8 (RFC 6531). chunking: RFC 3030. pipelining: RFC 2920.
    """

    pipelining: bool = False
    chunking: bool = False
    eightbit: bool = False
    utf8: bool = False
    starttls: bool = False
    size: bool = False
    size_max: int = 0
    logins: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, text: str) -> Features:
        """Read the text of an answer to EHLO, one line an extension after the first."""
        offered: dict[str, list[str]] = {}
        for line in text.upper().split("\n")[1:]:
            words = line.replace("=", " ").split()  # "AUTH=LOGIN" is how servers said it to an old client.
            if words:
                offered.setdefault(words[0], []).extend(words[1:])
        size = offered.get("SIZE", [])
        return cls(
            pipelining="PIPELINING" in offered,
            chunking="CHUNKING" in offered,
            eightbit="8BITMIME" in offered,
            utf8="SMTPUTF8" in offered,
            starttls="STARTTLS" in offered,
            size="SIZE" in offered,
            size_max=int(size[0]) if size and size[0].isdecimal() else 0,
            logins=frozenset(offered.get("AUTH", [])),
        )

    @property
    def in_front(self) -> int:
        """How many commands leave at once for a message: of MAIL, RCPT and DATA."""
        return (2 if self.chunking else 3) if self.pipelining else 1

    def front(self, envelope: Envelope) -> bytes | Result:
        """The commands in front of its content that leave at once, or why this server cannot take ``envelope``."""
        both, size, needs = envelope.sender + envelope.recipient, len(envelope.ready), ""
        # Nearly always plain: if both addresses together would do as one, each does.
        is_plain = _is_path(both) and both.isascii() and is_ascii(envelope.ready)
        if not is_plain or size > self.size_max > 0:
            refusal = self._refusal(envelope)
            if refusal is not None:
                return refusal
            if needs_eightbit(envelope):
                needs = " BODY=8BITMIME SMTPUTF8" if needs_utf8(envelope) else " BODY=8BITMIME"
        told = f" SIZE={size}" if self.size else ""
        mail = f"MAIL FROM:<{envelope.sender}>{told}{needs}\r\n"
        if not self.pipelining:
            return mail.encode()
        data = "" if self.chunking else "DATA\r\n"
        return f"{mail}RCPT TO:<{envelope.recipient}>\r\n{data}".encode()

    def _refusal(self, envelope: Envelope) -> Result | None:
        """Why this server cannot take ``envelope``, in the codes in which it would say so itself; None: it can."""
        if not (_is_path(envelope.sender) and _is_path(envelope.recipient)):
            return _refused(envelope, "553 5.1.3", "This is not an address that mail can be sent to.")
        if self.size_max and len(envelope.ready) > self.size_max:
            text = f"The message has {len(envelope.ready)} octets; the server takes at most {self.size_max}."
            return _refused(envelope, "552 5.3.4", text)
        if self.utf8 or not needs_eightbit(envelope):
            return None
        if needs_utf8(envelope):
            text = "The server takes no addresses and headers outside ASCII (it offers no SMTPUTF8)."
            return _refused(envelope, "553 5.6.7", text)
        if self.eightbit:
            return None
        text = "The message has 8-bit text, and the server takes only 7-bit (it offers no 8BITMIME)."
        return _refused(envelope, "554 5.6.3", text)

    def framed(self, content: bytes | Pieces, tail: bytes) -> bytes:
        """``content`` as it follows the reply to DATA, its end included; with CHUNKING as one BDAT. And ``tail`` behind it."""
        pieces: Sequence[bytes]
        if isinstance(content, Pieces):
            pieces, size = content.pieces, len(content)
        else:
            end = b"" if content.endswith(b"\r\n") else b"\r\n"
            pieces, size = (content if self.chunking else dots_stuffed(content), end), len(content) + len(end)
        if self.chunking:
            return b"".join([b"BDAT %d LAST\r\n" % size, *pieces, tail])
        return b"".join([*pieces, b".\r\n", tail])


def needs_eightbit(envelope: Envelope) -> bool:
    """Whether anything of it is outside ASCII."""
    if not (envelope.recipient.isascii() and envelope.sender.isascii()):
        return True
    return not is_ascii(envelope.ready)


def needs_utf8(envelope: Envelope) -> bool:
    """Whether its addresses or headers are outside ASCII: only a server that offers SMTPUTF8 can take it."""
    if not (envelope.recipient.isascii() and envelope.sender.isascii()):
        return True
    return not envelope.content.partition(b"\r\n\r\n")[0].isascii()


def _is_path(address: str) -> bool:
    if not address.isprintable() or "<" in address or ">" in address or " " in address:
        return False
    return len(address) <= _PATH_MAX


def _refused(envelope: Envelope, code: str, reply: str) -> Result:
    reason = reason_of(int(code[:3]), code[4:], reply)
    return Result(envelope.key, Outcome.FAILED, code, reply, reason)
