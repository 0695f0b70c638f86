"""Addresses that unsubscribe whoever writes to them (``mailto:`` in List-Unsubscribe, RFC 2369), for mail programs that know no other way.

    bounces+u-5d41402abc4b2a76b9719d911017c592aabbccdd@news.example.org

What stands after ``u-`` is the secret of the reader's own link to unsubscribe, in letters that keep their meaning whatever servers do
to their case. It lies in no return path, and no return path has it, so that neither address does what the other one does.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import email.message
import os
import re

from webstreet.atoms.newsletter.models.event import EventSource
from webstreet.atoms.newsletter.models.subscriber import Subscriber
from webstreet.contract.environment import BOUNCE_MAILBOX_URL, read
from webstreet.mail.dsn import addresses, parsed

FRESH = dt.timedelta(hours=1)
"""A mailbox that could be read then is read soon again."""
_SECRET = 20
"""Octets; see `models.subscriber.unsubscribe_token`."""
_WRITTEN = re.compile(rf"\+u-([0-9a-f]{{{2 * _SECRET}}})@")
_AUTOMATIC = re.compile(r"\s*auto-(?:replied|notified)", re.IGNORECASE)
_NOT_FROM_PEOPLE = ("X-Autoreply", "X-Autorespond")


class LeavingAddresses:
    """Those at one mailbox, ``bounces@news.example.org``; its server must take ``bounces+anything`` as well."""

    def __init__(self, mailbox: str) -> None:
        local, _, domain = mailbox.partition("@")
        self._before, self._after = f"{local}+u-", f"@{domain}?subject=unsubscribe"

    def of(self, token: str) -> str:
        """For `Recipient.unsubscribe_mail`: of who has this token; empty when it is not one that we made, and cannot be said so."""
        try:
            # str.translate would take eight times as long, and every mail pays for it.
            secret = binascii.a2b_base64(token.replace("-", "+").replace("_", "/") + "=")
        except ValueError:
            return ""
        return f"{self._before}{secret.hex()}{self._after}" if len(secret) == _SECRET else ""


def addresses_at(mailbox: str) -> LeavingAddresses | None:
    """None unless the site reads what comes to ``mailbox``: who wrote to it in vain would press “this is spam”."""
    if not mailbox or not read(os.environ, BOUNCE_MAILBOX_URL) or not EventSource.works(EventSource.MAILBOX, FRESH):
        return None
    return LeavingAddresses(mailbox)


def who_leaves(content: bytes) -> Subscriber | None:
    """Who asks by ``content``, a whole mail, to get no more; None: nobody does, or a program answers. It never raises."""
    message = parsed(content)
    if message is None or _is_automatic(message):
        return None
    for address in addresses(message, "delivered-to", "x-original-to", "envelope-to", "to"):
        found = _WRITTEN.search(address)
        if found:
            token = base64.urlsafe_b64encode(bytes.fromhex(found.group(1))).decode().rstrip("=")
            if (subscriber := Subscriber.objects.filter(unsubscribe_token=token).first()) is not None:
                return subscriber
    return None


def _is_automatic(message: email.message.Message) -> bool:
    """An answer of a program (RFC 3834), or what servers send without a sender. A mail program that unsubscribes by itself is none."""
    return (
        _AUTOMATIC.match(str(message.get("Auto-Submitted", ""))) is not None
        or str(message.get("Return-Path", "")).strip() == "<>"
        or str(message.get("Precedence", "")).strip().lower() in ("auto_reply", "junk")
        or any(name in message for name in _NOT_FROM_PEOPLE)
        or message.get_content_type() == "multipart/report"
    )
