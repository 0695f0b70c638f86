"""Complaints: somebody pressed "this is spam", and the mailbox provider reports it (ARF, RFC 5965; RFC 6591 for failed authentication).

Many providers blank the complainer's address; the return path and the Message-ID of the returned message still say who it was.
"""

from __future__ import annotations

import email.message
from dataclasses import dataclass

from webstreet.mail.dsn import addresses, blocks_of, normal, original_id, parsed

_TYPES = frozenset({"abuse", "fraud", "virus", "other", "not-spam", "auth-failure", "opt-out"})


@dataclass(frozen=True, slots=True)
class Complaint:
    """One complaint.

    Attributes:
        kind: ``abuse``, ``fraud``, ``virus``, ``not-spam``, ``auth-failure``, ``opt-out``, or ``other`` for what we do not know.
        recipient: who complained, normalised; often empty.
        message_id: of the message complained about. ``return_path``: its envelope sender, which may be ours (`webstreet.mail.verp`).
        sent_to: addresses the complaint itself was sent to.
    """

    kind: str
    recipient: str = ""
    message_id: str = ""
    return_path: str = ""
    sent_to: tuple[str, ...] = ()

    @property
    def is_against_us(self) -> bool:
        """Whether its reader does not want our mail: not the report that a mail was no spam, nor one about signatures."""
        return self.kind not in ("not-spam", "auth-failure")


def read_complaint(content: bytes) -> Complaint | None:
    """The complaint that ``content``, a whole mail, is; None when it is none. Never raises."""
    message = parsed(content)
    if message is None:
        return None
    for part in message.walk():
        if part.get_content_type() == "message/feedback-report":
            fields = {name: value for block in reversed(blocks_of(part)) for name, value in block.items()}
            if "feedback-type" in fields:
                return _complaint(message, fields)
    return None


def _complaint(message: email.message.Message, fields: dict[str, str]) -> Complaint:
    kind = fields["feedback-type"].lower()
    recipient = normal(fields.get("original-rcpt-to", "").strip("<> "))
    return Complaint(
        kind if kind in _TYPES else "other",
        recipient or normal(fields.get("removal-recipient", "").strip("<> ")),
        original_id(message),
        normal(fields.get("original-mail-from", "").strip("<> ")) or _returned_path(message),
        addresses(message, "delivered-to", "x-original-to", "envelope-to", "to"),
    )


def _returned_path(message: email.message.Message) -> str:
    for part in message.walk():
        if part.get_content_type() == "message/rfc822":
            inner = part.get_payload()
            if isinstance(inner, list) and inner and isinstance(inner[0], email.message.Message):
                return normal(str(inner[0].get("Return-Path", "")).strip("<> "))
    return ""
