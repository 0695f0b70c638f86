"""The mailbox of bounces: reports of mail servers and complaints of readers become events, who asks for it is unsubscribed, and those
mails are deleted then.

It is read in a thread of its own, by one worker at a time: a server that is slow or silent holds up nothing. A message is deleted after
its events are committed; killed in between, the next reading finds the same events and deletes it then. What reports nothing (answers of
people, notes of absence) stays in the mailbox for people to read, marked, and so does a report about no mail that we sent.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connections
from django.utils import timezone

from webstreet.atoms.newsletter import actions, events, events_policy, harm, leaving_by_mail
from webstreet.atoms.newsletter.buckets import hidden
from webstreet.atoms.newsletter.events import Kind, Mail, Told
from webstreet.atoms.newsletter.models.event import EventSource
from webstreet.atoms.newsletter.models.subscriber import Subscriber
from webstreet.contract.environment import BOUNCE_MAILBOX_URL, read
from webstreet.kernel.errors import WebstreetError
from webstreet.mail.arf import Complaint, read_complaint
from webstreet.mail.dsn import Action, Report, read_reports
from webstreet.mail.errors import MailboxRefused
from webstreet.mail.mailbox import Mailbox, MailboxUrl, opened
from webstreet.mail.reason import Reason

ROUND_S = 30.0
"""For so long a mailbox is read at a time; what is left comes with the next round."""
LEASE_S = 300.0
GROUP = 50
"""Messages that are fetched, written and deleted together."""
logger = logging.getLogger(__name__)
_lock = threading.Lock()
_reading: threading.Thread | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """What a message says. ``is_report``: it is one, whether about our mails or not. ``leaves``: who wants no more mails."""

    told: tuple[Told, ...] = ()
    is_report: bool = False
    leaves: Subscriber | None = None


# -- One message -----------------------------------------------------------------------------------------------------
def read_message(content: bytes) -> Read:
    """The events in a mail, with those reports only that are about a mail of ours. Never raises for what anybody may write."""
    complaint = read_complaint(content)
    if complaint is not None:
        told = _complained(complaint)
        return Read((told,) if told else (), is_report=True)
    reports = read_reports(content)
    if not reports:
        return Read(leaves=leaving_by_mail.who_leaves(content))
    found = (_reported(report) for report in reports)
    return Read(tuple(told for told in found if told is not None), is_report=True)


def _reported(report: Report) -> Told | None:
    mail = _mail(report.sent_to, report.message_id)
    if not mail.is_ours:
        return None
    if report.action is Action.DELIVERED:
        kind = Kind.DELIVERED
    elif report.action is Action.FAILED:
        kind = events_policy.kind_of_failure(report.reason, for_good=not report.status.startswith("4"))
    else:
        # It is still being tried, or nobody can tell.
        return None
    return _told(kind, mail, report.message_id, report.status, report.reason, report.diagnostic)


def _complained(complaint: Complaint) -> Told | None:
    mail = _mail((complaint.return_path, *complaint.sent_to), complaint.message_id)
    if not mail.is_ours or not complaint.is_against_us:
        return None
    kind = Kind.UNSUBSCRIBED if complaint.kind == "opt-out" else Kind.COMPLAINT
    return _told(kind, mail, complaint.message_id, complaint.kind)


def _mail(sent_to: tuple[str, ...], message_id: str) -> Mail:
    mail = events.mail_of_path(sent_to)
    return mail if mail.is_ours or not message_id else events.mail_of_message_id(message_id)


def _told(kind: Any, mail: Mail, message_id: str, code: str, reason: Reason = Reason.NONE, reply: str = "") -> Told:
    # However many servers on the way report the same: it is one bounce of one mail.
    name = f"{mail.delivery_id or mail.subscriber_id}:{kind}"
    if mail.delivery_id is None:
        name += f":{hashlib.sha256(message_id.encode()).hexdigest() if message_id else timezone.now().date()}"
    return Told(events.MAILBOX, name, kind, mail, timezone.now(), code, reason, reply)


# -- The mailbox -----------------------------------------------------------------------------------------------------
def start() -> None:
    """Begin to read the mailbox, if there is one and this process does not read it already."""
    global _reading
    if not read(os.environ, BOUNCE_MAILBOX_URL):
        return
    with _lock:
        if _reading is None or not _reading.is_alive():
            _reading = threading.Thread(target=_in_thread, name="bounce-mailbox", daemon=True)
            _reading.start()


def _in_thread() -> None:
    try:
        read_all(ROUND_S)
    except Exception as error:  # noqa: BLE001 the thread ends here, and the next round begins anew
        # Of the error only the kind: the rest may name somebody.
        logger.error("mailbox.round_failed", extra={"error": type(error).__name__})
    finally:
        connections.close_all()


def _reader() -> str:
    """This site, among others that read the same mailbox."""
    return hidden(f"mailbox {settings.WEBSTREET_SITE.id}")[:12]


def read_all(budget_s: float) -> int:
    """Read what is new in the mailbox, for so long; how many events were new. Trouble is noted and logged once, not raised."""
    if not EventSource.claim(events.MAILBOX, LEASE_S):
        return 0
    end, new = time.monotonic() + budget_s, 0
    before: list[int] = []
    try:
        with opened(MailboxUrl.parse(read(os.environ, BOUNCE_MAILBOX_URL)), reader=_reader()) as mailbox:
            EventSource.count(events.MAILBOX)
            while time.monotonic() < end and (uids := mailbox.unread(GROUP)):
                if uids == before:
                    raise MailboxRefused(
                        "The mailbox keeps no marks: messages cannot be dealt with.", code="mailbox.read_only"
                    )
                new, before = new + _group(mailbox, uids, end), uids
    except WebstreetError as error:
        if EventSource.fail(events.MAILBOX, error.error_code):
            logger.warning("mailbox.cannot_be_read", extra={"code": error.error_code})
    finally:
        EventSource.release(events.MAILBOX)
    return new


def _group(mailbox: Mailbox, uids: list[int], end: float) -> int:
    """Fetch, write, and only then delete; how many events were new, those who unsubscribed among them."""
    told: list[Told] = []
    leaving: list[Subscriber] = []
    done: list[int] = []
    kept: list[int] = []
    forged = 0
    for uid in uids:
        if time.monotonic() > end and (done or kept):
            break
        found = read_message(mailbox.fetch(uid))
        told += found.told
        leaving += [found.leaves] if found.leaves is not None else []
        (done if found.told or found.leaves else kept).append(uid)
        forged += found.is_report and not found.told
    new = events.note(told) + len(leaving)
    for subscriber in leaving:
        actions.unsubscribe(subscriber, source="mail")
    harm.check_told(told)
    EventSource.count(events.MAILBOX, taken=new, other=len(kept) - forged, forged=forged)
    mailbox.delete(done)
    mailbox.keep(kept)
    return new
