"""Why mail was refused, told from a reply's codes and words: who has to do something about it, and what.

Enhanced codes (RFC 3463) come first; words decide only where the codes say nothing, as large providers' own codes and words are known
(Gmail support 3726730, Outlook postmaster "troubleshooting", Yahoo Sender Hub "SMTP error codes"). When in doubt the reason is `OTHER`:
nobody is struck from a list, and no sender is paused, by a guess.
"""

from __future__ import annotations

import re
from enum import StrEnum


class Reason(StrEnum):
    """Why a message was refused.

    RECIPIENT: the mailbox does not exist or is closed for good: do not write there again.
    FULL: the mailbox takes no more now; a later issue may find room.
    GREYLISTED: the server wants to see that we come back.
    SLOW_DOWN: too much, too fast, or a reputation that is in danger: less for this provider.
    SENDER: this sender, its domain or its server is not accepted (login, SPF, DKIM, DMARC, a block list): a person has to act.
    CONTENT: this very message (size, form); another may pass.
    """

    NONE = ""
    RECIPIENT = "recipient"
    FULL = "full"
    GREYLISTED = "greylisted"
    SLOW_DOWN = "slow down"
    SENDER = "sender"
    CONTENT = "content"
    OTHER = "other"


_RECIPIENT = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
_FULL = frozenset({"4.2.2", "5.2.2"})
_CONTENT = frozenset({"4.3.4", "5.3.4", "5.2.3", "4.2.3"})
_SENDER = frozenset(
    {
        "5.1.7",
        "5.1.8",
        "5.7.0",
        "5.7.3",
        "5.7.8",
        "5.7.9",
        "5.7.14",
        "5.7.23",
        "5.7.57",
        "5.7.705",
        "5.7.708",
        "5.7.750",
    }
    | {f"5.7.{detail}" for detail in range(25, 33)}  # DMARC, PTR, SPF, spam rate, TLS, DKIM: Gmail
    | {f"5.7.{detail}" for detail in range(501, 516)}  # Outlook: spam, DMARC, too many unauthenticated
    | {f"5.7.{detail}" for detail in range(606, 650)}  # Outlook: banned sending address
)
_SENDER_CODES = frozenset({530, 534, 535, 538})
_GENERIC = frozenset({"", "5.0.0", "5.0.1", "5.0.350", "5.3.0", "5.4.1", "5.5.0", "5.5.1", "5.7.1"})

_WORDS_SENDER = re.compile(
    r"spamhaus|spamcop|barracuda|sorbs|surbl|uceprotect|\b(?:black|block|deny) ?-?list|blocked (?:using|by|due|because)|\brbl\b|dnsbl"
    r"|banned send|reputation|\bs3140\b|\bs3150\b|\[bl\d\d\]|\bdmarc\b|\bdkim\b|\bspf\b|not authenticated|unauthenticated"
    r"|relay(?:ing)? (?:access )?(?:denied|not)|relay not|unable to relay|not permitted to relay|sender (?:address )?(?:rejected|denied)"
    r"|authentication required|reverse dns|\bptr\b",
    re.IGNORECASE,
)
_WORDS_RECIPIENT = re.compile(
    r"(?:user|recipient|mailbox|account|address)(?: name)?(?: is)? (?:unknown|not (?:found|known|exist)|invalid|disabled|inactive)"
    r"|(?:unknown|invalid|no such|bad) (?:local )?(?:user|recipient|mailbox|address|account|destination)"
    r"|(?:user|account|mailbox|recipient|address)[^.]{0,60}(?:does not|doesn['’]t|do not) (?:exist|have a)|no (?:such )?mailbox"
    r"|(?:account|mailbox|user)[^.]{0,40}(?:has been|is|was)(?: been)? (?:disabled|discontinued|suspended|closed|deactivated|deleted)"
    r"|recipient ?not ?found|not a (?:valid|known) (?:user|recipient|mailbox)|mailbox unavailable|recipient address rejected"
    r"|recipient rejected|no (?:mailbox|one) (?:here )?by that name|mailbox not found|no user here",
    re.IGNORECASE,
)
_WORDS_FULL = re.compile(
    r"over ?-?quota|quota (?:exceeded|full)|(?:mailbox|inbox|account)[^.]{0,30} full|mailbox full|exceeded storage",
    re.IGNORECASE,
)
_WORDS_CONTENT = re.compile(
    r"(?:message|mail)(?: size)?[^.]{0,30}(?:too (?:large|big|long)|exceeds)|size limit|maximum (?:message )?size",
    re.IGNORECASE,
)
_WORDS_GREY = re.compile(r"gr[ea]y-?list", re.IGNORECASE)
_WORDS_SLOW = re.compile(
    r"rate limit|too many (?:messages|connections|mails|emails|concurrent|sessions)|too (?:much|fast)|throttl|unusual rate"
    r"|slow(?:ing)? down|\[tss?\d\d\]|\brp-00\d\b|complaints|unexpected volume|reputation"
    r"|temporarily (?:deferred|blocked|rate)|sending (?:rate|limit)"
    r"|maximum sending rate|server busy|low priority",
    re.IGNORECASE,
)
_FOR_ONE = re.compile(r"user you are trying to contact is receiving|recipient[^.]{0,40}receiving", re.IGNORECASE)


def reason_of(code: int, enhanced: str, text: str) -> Reason:
    """The reason of a refusal.

    Args:
        code: of SMTP, 4xx or 5xx; from a report without one, 400 or 500.
        enhanced: "5.1.1", or empty.
        text: what else was said; judged by its first kilobyte.
    """
    text = text[:1024]
    return _for_now(enhanced, text) if code < 500 else _for_good(code, enhanced, text)


def _for_now(enhanced: str, text: str) -> Reason:
    if _WORDS_GREY.search(text):
        return Reason.GREYLISTED
    if enhanced in _FULL or _WORDS_FULL.search(text):
        return Reason.FULL
    if enhanced in _CONTENT:
        return Reason.CONTENT
    if _FOR_ONE.search(text):  # Gmail's 4.2.1: it is this person who gets too much, from whomever.
        return Reason.OTHER
    if enhanced == "4.7.1" and not _WORDS_SLOW.search(
        text
    ):  # What most grey-listing servers say, in words of their own.
        return Reason.GREYLISTED
    if enhanced.startswith("4.7.") or _WORDS_SLOW.search(text):
        return Reason.SLOW_DOWN
    return Reason.OTHER


def _for_good(code: int, enhanced: str, text: str) -> Reason:
    if code in _SENDER_CODES or enhanced in _SENDER:
        return Reason.SENDER
    if enhanced in _RECIPIENT:
        return Reason.RECIPIENT
    if enhanced in _FULL:
        return Reason.FULL
    if enhanced in _CONTENT or enhanced.startswith("5.6."):
        return Reason.CONTENT
    if enhanced not in _GENERIC:
        return Reason.OTHER
    if _WORDS_SENDER.search(text):
        return Reason.SENDER
    if _WORDS_FULL.search(text):
        return Reason.FULL
    if _WORDS_CONTENT.search(text):
        return Reason.CONTENT
    return Reason.RECIPIENT if _WORDS_RECIPIENT.search(text) else Reason.OTHER
