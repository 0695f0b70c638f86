"""Events that a mail server or a provider posts: signed, recent, of a bounded size, each taken once.

Webstreet-Signature: t=1764000000,v1=<hex of HMAC-SHA-256 over "1764000000." and the body, with EVENTS_SECRET>

{"events": [{"id": "7f3a", "kind": "bounce", "at": "2026-11-21T21:00:00Z", "message_id": "<...>", "code": "550 5.1.1", "reply": "..."}]}
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from webstreet.atoms.newsletter import events, events_policy, harm
from webstreet.atoms.newsletter.events import Kind, Mail, Told
from webstreet.atoms.newsletter.models.event import EventSource
from webstreet.atoms.newsletter.models.subscriber import Subscriber
from webstreet.kernel.errors import BadInput, Denied
from webstreet.kernel.secret import Secret
from webstreet.mail.address import normal_address
from webstreet.mail.dsn import one_line
from webstreet.mail.errors import AddressInvalid
from webstreet.mail.reason import reason_of

BODY_MAX = 1_048_576
EVENTS_MAX = 1000
TOLERANCE_S = 300
"""How old, or how far in the future, a signature may be: long enough for clocks that differ."""
KINDS = ("bounce", "complaint", "delivered", "unsubscribed")
FIELDS = frozenset({"id", "kind", "at", "message_id", "return_path", "recipient", "code", "reply"})
_SIGNATURE = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})\Z")
_CODE = re.compile(r"(?:([245]\d\d)\b ?)?([245]\.\d{1,3}\.\d{1,3})?\Z")


class EventsInvalid(BadInput):
    """The body is not what it should be; nothing of it was taken."""

    code = "events.invalid"


class SignatureInvalid(Denied):
    """The signature is missing, wrong or too old; nothing was taken."""

    code = "events.signature"


def sign(body: bytes, secret: Secret, now: float) -> str:
    """The value of the header for a body that is posted now."""
    moment = int(now)
    return f"t={moment},v1={_mac(secret, moment, body)}"


def check(header: str, body: bytes, secret: Secret, now: float) -> None:
    """Raises `SignatureInvalid`."""
    found = _SIGNATURE.match(header.strip())
    moment = int(found.group(1)) if found else 0
    if not found or not hmac.compare_digest(found.group(2), _mac(secret, moment, body)):
        raise SignatureInvalid("The signature of the events is missing or wrong: sign the body with EVENTS_SECRET.")
    if abs(now - moment) > TOLERANCE_S:
        raise SignatureInvalid(
            "The signature of the events is more than five minutes away from now: set the clock, sign anew."
        )


def _mac(secret: Secret, moment: int, body: bytes) -> str:
    return hmac.new(secret.reveal().encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()


def take(body: bytes) -> dict[str, int]:
    """Write down the events of a body whose signature is good: ``taken`` are new, ``known`` were told before, ``ignored`` are about no
    mail or subscriber of this site, or say nothing yet (a bounce with a 2xx code).

    Raises:
        EventsInvalid: one of them is not what it should be; nothing was taken.
    """
    return write_down(events.WEBHOOK, [_told(entry, number) for number, entry in enumerate(_entries(body))])


def write_down(source: str, told: Sequence[Told | None]) -> dict[str, int]:
    """Write down what a source told, and count it; None, and what is about no mail of ours, is ignored."""
    ours = [one for one in told if one is not None and one.mail.is_ours]
    taken = events.note(ours)
    harm.check_told(ours)
    ignored = len(told) - len(ours)
    EventSource.count(source, taken=taken, forged=ignored)
    return {"taken": taken, "known": len(ours) - taken, "ignored": ignored}


def _entries(body: bytes) -> Sequence[Any]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise EventsInvalid("The body is not JSON.") from None
    entries = data.get("events") if isinstance(data, dict) else None
    if not isinstance(entries, list) or len(entries) > EVENTS_MAX:
        raise EventsInvalid(f'Send an object with at most {EVENTS_MAX} events: {{"events": [...]}}.')
    return entries


def _told(entry: Any, number: int) -> Told | None:
    where = f"Event {number + 1}"
    if (
        not isinstance(entry, dict)
        or not all(isinstance(value, str) for value in entry.values())
        or set(entry) - FIELDS
    ):
        raise EventsInvalid(f"{where} is no object of strings with the fields {', '.join(sorted(FIELDS))}.")
    name, kind, code = entry.get("id", ""), entry.get("kind", ""), entry.get("code", "").strip()
    if not 0 < len(name) <= 200 or kind not in KINDS:
        raise EventsInvalid(f"{where} needs an id of at most 200 characters and a kind: {', '.join(KINDS)}.")
    codes = _CODE.match(code)
    if codes is None:
        raise EventsInvalid(f"{where} has a code that is none of SMTP: write 550, 5.1.1 or 550 5.1.1.")
    at = _moment(entry.get("at", ""), where)
    mail = mail_of(entry)
    reply = one_line(entry.get("reply", "")[:2000], entry.get("recipient", ""))
    if kind != "bounce":
        return Told(events.WEBHOOK, name, Kind(kind), mail, at, code, reply=reply)
    first = (codes.group(1) or codes.group(2) or "4")[0]
    if first == "2":
        return None
    reason = reason_of(int(codes.group(1) or f"{first}00"), codes.group(2) or "", entry.get("reply", ""))
    return Told(
        events.WEBHOOK,
        name,
        events_policy.kind_of_failure(reason, for_good=first == "5"),
        mail,
        at,
        code,
        reason,
        reply,
    )


def _moment(text: str, where: str) -> dt.datetime:
    try:
        found = parse_datetime(text) if text else timezone.now()
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise EventsInvalid(
            f'{where} has no time with a time zone in "at": write 2026-11-21T21:00:00Z, or leave it out.'
        )
    return found


def mail_of(entry: Mapping[str, str]) -> Mail:
    """By what names the mail itself; else by the recipient, as whoever signs with our secret is believed."""
    mail = events.mail_of_path([entry["return_path"]]) if entry.get("return_path") else Mail()
    if not mail.is_ours and entry.get("message_id"):
        mail = events.mail_of_message_id(entry["message_id"])
    if mail.is_ours or not entry.get("recipient"):
        return mail
    try:
        email = normal_address(entry["recipient"])
    except AddressInvalid:
        return Mail()
    return Mail(Subscriber.objects.filter(email=email).values_list("pk", flat=True).first())
