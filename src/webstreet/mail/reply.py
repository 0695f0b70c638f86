"""SMTP replies and what they mean for one message (RFC 5321 4.2, RFC 3463)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from webstreet.mail.reason import Reason, reason_of

_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s|\Z)")
_SHORT = re.compile(rb"\d{3} (?:[245]\.\d{1,3}\.\d{1,3}(?=\s|\Z))?")
_SHORT_MAX = 14
"""Octets in which `_SHORT` and what ends it have room."""
TOLD_MAX = 200
_SOMEBODY = "…"
_ADDRESS = re.compile(r"[^\s<>\"'(),;:]+@[^\s<>\"'(),;:]+")


class Stage(StrEnum):
    """Where in a session a reply was given."""

    CONNECT = "connect"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    END = "end"
    EMPTY = "empty"
    """The end of an empty message: DATA was granted although nobody was to get it."""
    RESET = "reset"


class Meaning(StrEnum):
    """What a reply means for one message."""

    OK = "ok"
    DEFERRED = "deferred"
    FAILED = "failed"
    SENDER_REFUSED = "sender refused"
    CLOSING = "closing"


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's reply. Servers repeat addresses in its text: what is kept of it is `told`."""

    code: int
    text: str = ""

    @classmethod
    def parse(cls, raw: bytes) -> Reply:
        """Read one whole reply, its lines parted by LF; each has its code, then a space or hyphen."""
        lines = raw.decode("ascii", "replace").split("\n")
        return cls(int(raw[:3]), "\n".join(line.rstrip("\r")[4:] for line in lines))

    @property
    def enhanced(self) -> str:
        match = _ENHANCED.match(self.text)
        return match.group(1) if match else ""

    @property
    def short(self) -> str:
        """Code and enhanced code: what may be stored and logged anywhere."""
        return f"{self.code} {self.enhanced}".strip()

    @property
    def reason(self) -> Reason:
        """Why it refuses; nothing for a reply that does not."""
        return reason_of(self.code, self.enhanced, self.text) if self.code >= 400 else Reason.NONE

    def told(self, recipient: str) -> str:
        """The text on one line, without the enhanced code, ``recipient``, its local part and any other address; at most `TOLD_MAX`.

        So the same refusal of two mailboxes is the same text, and what is kept of a person is not kept twice.
        """
        text = self.text.removeprefix(self.enhanced)[: 8 * TOLD_MAX]
        line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        for part in (recipient, recipient.partition("@")[0]):
            line = (
                re.sub(rf"(?<![\w.-]){re.escape(part)}(?![\w-])", _SOMEBODY, line, flags=re.IGNORECASE)
                if part
                else line
            )
        return _ADDRESS.sub(_SOMEBODY, line)[:TOLD_MAX]


def short_of(raw: bytes) -> str:
    """`Reply.short` of a reply of one line, for replies of which there are very many."""
    return _short(raw[:_SHORT_MAX])


@lru_cache(maxsize=256)
def _short(raw: bytes) -> str:
    match = _SHORT.match(raw)
    return match.group().decode("ascii").strip() if match else raw[:3].decode("ascii")


def meaning(reply: Reply, stage: Stage) -> Meaning:
    """Classify a final reply.

    A 5xx to AUTH, the connection or MAIL (unless that is about the size) is about the sender. To RCPT and to the content it is about the
    recipient or the message, unless the reply says that it is about the sender (`Reason.SENDER`).
    """
    if reply.code == 421:
        return Meaning.CLOSING
    if 200 <= reply.code < 400:
        return Meaning.OK
    if 400 <= reply.code < 500:
        return Meaning.DEFERRED
    reason = reply.reason
    if stage in (Stage.CONNECT, Stage.AUTH) or reason is Reason.SENDER:
        return Meaning.SENDER_REFUSED
    return Meaning.SENDER_REFUSED if stage is Stage.MAIL and reason is not Reason.CONTENT else Meaning.FAILED
