"""Delivery reports: what a bounce says about whom (RFC 3464; RFC 6533 for addresses outside ASCII; and what servers wrote before).

A report comes from anywhere and may be forged: it says something about a message of ours only through a return path that we made and
can check (`webstreet.mail.verp`). Where a report does not keep to the standard, only what is certain is taken from it; the rest is
``unknown``, which strikes nobody from a list. No text of a report is kept but one line, without addresses.
"""

from __future__ import annotations

import email
import email.message
import email.policy
import email.utils
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import MessageError
from enum import StrEnum

from webstreet.mail.address import normal_address
from webstreet.mail.errors import AddressInvalid
from webstreet.mail.reason import Reason, reason_of
from webstreet.mail.reply import Reply

SIZE_MAX = 262_144
"""Octets of a report that are read; what is longer is the returned message."""
REPORTS_MAX = 100
_PARTS_MAX = 50
_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_CODE = re.compile(r"(?:\A|[\s:<#])([45]\d\d)(?=[\s-])")
_XTEXT = re.compile(r"\+([0-9A-F]{2})")

_MESSAGE_ID = re.compile(r"^message-id:[ \t]*(?:\n[ \t]+)?(\S+)", re.IGNORECASE | re.MULTILINE)
_RETURNED = re.compile(r"^--- Below this line is a copy|^------ This is a copy of", re.MULTILINE)


class Action(StrEnum):
    """What became of a message. UNKNOWN: it is a report, but it does not say so clearly."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    UNKNOWN = "unknown"


_ACTIONS = {"failed": Action.FAILED, "delayed": Action.DELAYED, "delivered": Action.DELIVERED}
_ACTIONS |= {"relayed": Action.DELIVERED, "expanded": Action.DELIVERED}


@dataclass(frozen=True, slots=True)
class Report:
    """What one report says about one recipient.

    Attributes:
        recipient: normalised; the address that was written to, not one it was forwarded to, where the report knows both; may be empty.
        status: enhanced code, "5.1.1"; may be empty.
        diagnostic: what the refusing server said, one line without addresses.
        reason: of a failure or delay.
        message_id: of the message that is reported about, without brackets.
        envelope_id: ENVID of its MAIL command.
        sent_to: addresses the report itself was sent to: one may be a return path of ours.
    """

    recipient: str
    action: Action
    status: str = ""
    diagnostic: str = ""
    reason: Reason = Reason.NONE
    message_id: str = ""
    envelope_id: str = ""
    sent_to: tuple[str, ...] = ()


def read_reports(content: bytes) -> list[Report]:
    """What ``content``, a whole mail, reports; empty when it is no report (an out-of-office note is none). Never raises."""
    message = parsed(content)
    if message is None:
        return []
    common = _Common.of(message)
    reports = [*_standard(message, common), *_qmail(message, common), *_exim(message, common)]
    if not reports and _is_bounce(message):
        reports = [_from_text(_first_text(message), common)]
    return reports[:REPORTS_MAX]


def parsed(content: bytes) -> email.message.Message | None:
    """``content`` as a message, cut after `SIZE_MAX`; None: not worth trying."""
    content = content[:SIZE_MAX]
    if content.lower().count(b"boundary") > _PARTS_MAX or content.lower().count(b"message/") > _PARTS_MAX:
        return None  # Nested so deeply that the parser would run out of stack: no mail server writes that.
    try:
        return email.message_from_bytes(content, policy=email.policy.compat32)
    except (MessageError, LookupError, ValueError):
        return None


@dataclass(frozen=True, slots=True)
class _Common:
    """What all reports of one mail have in common."""

    message_id: str
    sent_to: tuple[str, ...]

    @classmethod
    def of(cls, message: email.message.Message) -> _Common:
        return cls(original_id(message), addresses(message, "delivered-to", "x-original-to", "envelope-to", "to"))

    def report(self, recipient: str, action: Action, status: str, diagnostic: str, envelope_id: str = "") -> Report:
        address, line = normal(recipient), one_line(diagnostic, recipient)
        code = (
            int(found.group(1))
            if (found := _CODE.search(diagnostic[:500]))
            else 500
            if action is Action.FAILED
            else 400
        )
        if status[:1] in ("4", "5"):
            # "failed" with a code for now: tried long enough. The reason remains one for now.
            code = code if str(code)[0] == status[0] else int(status[0]) * 100
        reason = reason_of(code, status, line) if action in (Action.FAILED, Action.DELAYED) else Reason.NONE
        return Report(address, action, status, line, reason, self.message_id, envelope_id, self.sent_to)


# -- The standard ----------------------------------------------------------------------------------------------------
def _standard(message: email.message.Message, common: _Common) -> Iterator[Report]:
    for part in message.walk():
        if part.get_content_type() not in ("message/delivery-status", "message/global-delivery-status"):
            continue
        blocks = blocks_of(part)
        envelope_id = next((_xtext(b["original-envelope-id"]) for b in blocks if "original-envelope-id" in b), "")
        for block in blocks:
            recipient = _typed(block.get("original-recipient", "")) or _typed(block.get("final-recipient", ""))
            if not recipient or not ("action" in block or "status" in block):
                continue
            found = _STATUS.search(block.get("status", ""))
            status = found.group(1) if found else ""
            by_status = {"5": Action.FAILED, "4": Action.DELAYED, "2": Action.DELIVERED}.get(status[:1], Action.UNKNOWN)
            words = block.get("action", "").lower().split()
            action = _ACTIONS.get(words[0], by_status) if words else by_status
            diagnostic = block.get("diagnostic-code", "").partition(";")[2].strip()
            yield common.report(recipient, action, status, diagnostic, envelope_id)


def blocks_of(part: email.message.Message) -> list[dict[str, str]]:
    """The groups of fields of a delivery-status part, names in lower case, the first of each name."""
    payload = part.get_payload()
    if isinstance(payload, list):
        text = "\n\n".join(_fields_text(block) for block in payload if isinstance(block, email.message.Message))
    else:
        text = _text_of(part)
    blocks = []
    for group in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n"))[: 2 * REPORTS_MAX]:
        fields: dict[str, str] = {}
        for line in re.split(r"\n(?![ \t])", group.strip("\n")):
            name, colon, value = line.partition(":")
            if colon:
                fields.setdefault(name.strip().lower(), " ".join(value.split()))
        if fields:
            blocks.append(fields)
    return blocks


def _fields_text(block: email.message.Message) -> str:
    rest = block.get_payload()
    fields = "\n".join(f"{name}: {_utf8(value)}" for name, value in block.raw_items())
    return f"{fields}\n\n{rest}" if isinstance(rest, str) and rest.strip() else fields


def _utf8(value: object) -> str:
    """A field as the parser keeps it, its octets outside ASCII read as the UTF-8 that RFC 6533 says they are."""
    return str(value).encode("ascii", "surrogateescape").decode("utf-8", "replace")


def _typed(field: str) -> str:
    """The address of ``rfc822; ada@example.org``; of another type: none."""
    kind, semicolon, address = field.partition(";")
    if not semicolon or kind.strip().lower() not in ("rfc822", "utf-8"):
        return ""
    return _xtext(address.strip()).strip("<> ")


def _xtext(text: str) -> str:
    return _XTEXT.sub(lambda match: chr(int(match.group(1), 16)), text)


# -- What servers wrote before ----------------------------------------------------------------------------------------
_QMAIL_HEAD = re.compile(r"^Hi\. This is (?:the )?(?:qmail|[^\n]{1,200} at )", re.MULTILINE)
_QMAIL_ONE = re.compile(r"^<([^<>\s]{3,254})>:[ \t]*\n((?:(?!<[^<>\s]+>:|--- Below)[^\n]+\n?){1,20})", re.MULTILINE)
_EXIM_HEAD = re.compile(r"^This message was created automatically by mail delivery software", re.MULTILINE)
_EXIM_FAILED = re.compile(r"could not be delivered to\s+one\s+or\s+more\s+of\s+its\s+recipients", re.IGNORECASE)
_EXIM_ONE = re.compile(r"^  ([^\s<>:,]{1,120}@[^\s<>:,]{1,120})\n((?:    [^\n]*\n){1,20})", re.MULTILINE)


def _qmail(message: email.message.Message, common: _Common) -> Iterator[Report]:
    """QSBMF, https://cr.yp.to/proto/qsbmf.txt: each paragraph names one recipient and ends with what was said."""
    if message.get_content_type() != "text/plain" or not _is_bounce(message):
        return
    text = _said(message)
    if not _QMAIL_HEAD.search(text[:1000]):
        return
    for address, said in _QMAIL_ONE.findall(text):
        yield _judged(common, address, said)


def _exim(message: email.message.Message, common: _Common) -> Iterator[Report]:
    if message.get_content_type() != "text/plain" or not _is_bounce(message):
        return
    text = _said(message)
    if not (_EXIM_HEAD.search(text[:1000]) and _EXIM_FAILED.search(text[:2000])):
        return
    for address, said in _EXIM_ONE.findall(text):
        yield _judged(common, address, said)


def _said(message: email.message.Message) -> str:
    """The text of a report without the mail that came back."""
    text = _first_text(message)
    marker = _RETURNED.search(text)
    return text[: marker.start()] if marker else text


def _judged(common: _Common, address: str, said: str) -> Report:
    """A failure only when what was said has a code of a failure."""
    found, code = _STATUS.search(said), _CODE.search(said)
    status = found.group(1) if found else ""
    is_failure = status.startswith("5") or (not status and code is not None and code.group(1).startswith("5"))
    return common.report(address, Action.FAILED if is_failure else Action.UNKNOWN, status, said)


_SENDERS = re.compile(
    r"mailer-daemon|postmaster|mail delivery (?:system|subsystem)|microsoft outlook|mdaemon", re.IGNORECASE
)
_SUBJECTS = re.compile(
    r"undeliver|delivery (?:status|failure|has failed|delayed)|failure notice|returned mail|mail delivery failed|non ?remis|unzustellbar"
    r"|delivery notification|could not be delivered|non recapitat|no se puede entregar",
    re.IGNORECASE,
)


def _is_bounce(message: email.message.Message) -> bool:
    """Whether it comes from a mail server about a mail; not an answer of a person or of their absence."""
    if str(message.get("Auto-Submitted", "")).lower().startswith("auto-replied") and not _SENDERS.search(
        str(message.get("From", ""))
    ):
        return False
    kind = str(message.get("Content-Type", "")).lower()
    if "report-type" in kind and "delivery-status" in kind:
        return True
    is_null = str(message.get("Return-Path", "")).strip() == "<>" or "X-Failed-Recipients" in message
    is_server = _SENDERS.search(str(message.get("From", ""))) is not None
    return (is_server or is_null) and _SUBJECTS.search(str(message.get("Subject", ""))) is not None


def _from_text(text: str, common: _Common) -> Report:
    """A bounce in words of its own: its codes say something, whom it is about does not follow from its text."""
    found = _STATUS.search(text)
    return common.report("", Action.UNKNOWN, found.group(1) if found else "", text[:500])


# -- Parts of a message ----------------------------------------------------------------------------------------------
def _text_of(part: email.message.Message) -> str:
    try:
        octets = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError):
        return ""
    if not isinstance(octets, bytes):
        return ""
    return octets[:SIZE_MAX].decode("utf-8", "replace").replace("\r\n", "\n")


def _first_text(message: email.message.Message) -> str:
    return next((_text_of(part) for part in message.walk() if part.get_content_type() == "text/plain"), "")


def original_id(message: email.message.Message) -> str:
    """The Message-ID of the message that came back, whole or its headers alone."""
    for part in message.walk():
        kind = part.get_content_type()
        if kind in ("message/rfc822", "message/global"):
            payload = part.get_payload()
            inner = payload[0] if isinstance(payload, list) and payload else None
            if isinstance(inner, email.message.Message) and inner.get("Message-ID"):
                return bare_id(str(inner["Message-ID"]))
        elif kind in ("text/rfc822-headers", "message/global-headers"):
            found = _MESSAGE_ID.search(_text_of(part))
            if found:
                return bare_id(found.group(1))
    text = _first_text(message)
    marker = _RETURNED.search(text)
    found = _MESSAGE_ID.search(text, marker.end()) if marker else None
    return bare_id(found.group(1)) if found else ""


def bare_id(text: str) -> str:
    return "".join(text.split()).strip("<>")[:500]


def addresses(message: email.message.Message, *names: str) -> tuple[str, ...]:
    """The addresses in headers of these names, each once, at most ten."""
    fields = [str(value)[:1000] for name in names for value in message.get_all(name, [])][:20]
    found = (normal(address) for _, address in email.utils.getaddresses(fields))
    return tuple(dict.fromkeys(address for address in found if address))[:10]


def normal(address: str) -> str:
    """``address`` normalised, or empty."""
    try:
        return normal_address(address)
    except AddressInvalid:
        return ""


def one_line(text: str, recipient: str) -> str:
    """What may be kept of what a server said: see `Reply.told`."""
    found = re.match(r"\s*\d{3}[ -]", text)
    return Reply(500, text[found.end() :] if found else text.strip()).told(recipient)
