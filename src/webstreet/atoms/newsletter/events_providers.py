"""What mail providers post about mails, in their own forms: verified and read by django-anymail.

A provider that signs is believed by its signature (EVENTS_SECRET is its key); one that does not, by the password that EVENTS_SECRET is,
in the address it is told to post to: ``https://webstreet:<EVENTS_SECRET>@example.org/api/newsletter/events/<provider>``.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib
import json
import re
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation
from django.http import HttpRequest
from django.utils import timezone

from webstreet.atoms.newsletter import events_policy, events_webhook
from webstreet.atoms.newsletter.events import Kind, Mail, Told
from webstreet.atoms.newsletter.events_webhook import EventsInvalid, SignatureInvalid
from webstreet.atoms.newsletter.models.base import atomic
from webstreet.atoms.newsletter.models.event import Event
from webstreet.atoms.newsletter.models.sign_up import Throttle
from webstreet.contract.environment import EVENTS_PROVIDERS
from webstreet.engine.mail_api import MESSAGE
from webstreet.kernel.secret import Secret
from webstreet.mail.dsn import one_line
from webstreet.mail.reason import Reason, reason_of

USER = "webstreet"
_VIEWS = {
    "brevo": "brevo.BrevoTrackingWebhookView",
    "mailgun": "mailgun.MailgunTrackingWebhookView",
    "mailjet": "mailjet.MailjetTrackingWebhookView",
    "mailtrap": "mailtrap.MailtrapTrackingWebhookView",
    "postal": "postal.PostalTrackingWebhookView",
    "postmark": "postmark.PostmarkTrackingWebhookView",
    "sparkpost": "sparkpost.SparkPostTrackingWebhookView",
}
assert set(_VIEWS) == set(EVENTS_PROVIDERS)  # noqa: S101 two lists of one thing
_KEYS = {"mailgun": "webhook_signing_key", "postal": "webhook_key"}
"""Of those that sign: what django-anymail calls the key."""
_SIGNS_NO_BODY = ("mailgun",)
"""Of those that sign: only a time and a token, so that who saw one such signature could put it below any body."""
_MOMENT = re.compile(r"[0-9]{10}\Z")
"""All of its digits: nothing stands between the time and the token where they are signed."""
_SIMPLE = {"complained": Kind.COMPLAINT, "unsubscribed": Kind.UNSUBSCRIBED, "delivered": Kind.DELIVERED}
_REJECTED = {
    "invalid": Kind.HARD,
    "bounced": Kind.HARD,
    "spam": Kind.COMPLAINT,
    "unsubscribed": Kind.UNSUBSCRIBED,
}
"""The provider did not even try, as it remembers the address from before."""
_BROKEN = (ValueError, LookupError, TypeError, AttributeError, RecursionError, ImproperlyConfigured)
"""What reading a body in another form than expected may raise."""
_CODE = re.compile(r"\b([45]\d\d)(?:[ -]|\b)(?:#?([45]\.\d{1,3}\.\d{1,3}))?|\b([45]\.\d{1,3}\.\d{1,3})\b")


def take(provider: str, request: HttpRequest, secret: Secret) -> dict[str, int]:
    """Verify and write down what a provider posts; see `webstreet.atoms.newsletter.events_webhook.take`.

    Raises:
        SignatureInvalid: signature or password is missing or wrong, or the signature is too old; nothing was taken.
        EventsInvalid: it is not in the form of this provider; nothing was taken.
    """
    view = _view(provider, secret)
    try:
        view.run_validators(request)
        token = _token(request) if provider in _SIGNS_NO_BODY else None
    except (SuspiciousOperation, *_BROKEN):
        raise SignatureInvalid(
            "The provider's signature or password is missing or wrong: compare EVENTS_SECRET."
        ) from None
    try:
        found = view.parse_events(request)
        told = [_told(provider, event) for event in found[: events_webhook.EVENTS_MAX]]
    except _BROKEN:
        # Without the cause: it may hold an address.
        raise EventsInvalid("This is not in the form of this provider's events.") from None
    with atomic():
        if token is not None and not _is_new(provider, *token):
            return {"taken": 0, "known": len(told), "ignored": 0}
        return events_webhook.write_down(provider, told)


def _token(request: HttpRequest) -> tuple[str, dt.datetime]:
    """What was signed, which is known to be good: the token, and when.

    Raises:
        SignatureInvalid: that was not just now.
    """
    is_json = request.content_type == "application/json"
    fields = json.loads(request.body.decode())["signature"] if is_json else request.POST
    signed = str(fields["timestamp"])
    moment = dt.datetime.fromtimestamp(int(signed) if _MOMENT.match(signed) else 0, tz=dt.UTC)
    if abs((timezone.now() - moment).total_seconds()) > events_webhook.TOLERANCE_S:
        raise SignatureInvalid("The provider's signature is more than five minutes away from now: set the clock.")
    return str(fields["token"]), moment


def _is_new(provider: str, token: str, moment: dt.datetime) -> bool:
    """Whether nothing was signed with it before; kept for longer than its signature is good."""
    _row, created = Throttle.objects.get_or_create(key=Event.key_of(provider, f"token:{token}"), window=moment)
    return created


def _view(provider: str, secret: Secret) -> Any:
    module, name = _VIEWS[provider].split(".")
    made = getattr(importlib.import_module(f"anymail.webhooks.{module}"), name)
    key = _KEYS.get(provider)
    options: Mapping[str, Any] = (
        {key: secret.reveal()} if key is not None else {"webhook_secret": f"{USER}:{secret.reveal()}"}
    )
    return made(**options)


def _told(provider: str, event: Any) -> Told | None:
    said = str(event.mta_response or event.description or "")[:2000]
    recipient = str(event.recipient or "")
    code, reason, kind = "", Reason.NONE, _SIMPLE.get(event.event_type)
    if event.event_type == "rejected":
        kind = _REJECTED.get(str(event.reject_reason))
    elif event.event_type == "bounced" or (event.event_type == "failed" and _CODE.search(said)):
        code, reason, kind = _bounce(said, str(event.reject_reason))
    if kind is None:
        # Opened, clicked, still being tried, answered by a machine ...
        return None
    at = event.timestamp or timezone.now()
    name = str(event.event_id or "") or f"{event.message_id}:{event.event_type}:{recipient}:{at.isoformat()}"
    # A name may hold an address, and be long.
    name = hashlib.sha256(f"{event.event_type}:{name}".encode()).hexdigest()
    # Of a mail that was handed over by the API the provider has its own name, and ours beside it: without a domain, which nobody needs.
    ours = event.metadata.get(MESSAGE) if isinstance(event.metadata, dict) else None
    mail = _mail(str(ours or event.message_id or ""), recipient)
    return Told(provider, name, kind, mail, at, code, reason, one_line(said, recipient))


def _bounce(said: str, reject_reason: str) -> tuple[str, Reason, Any]:
    """By the receiving server's codes where the provider hands them on; else hard only for what is no address."""
    found = _CODE.search(said)
    if found is None:
        invalid = reject_reason == "invalid"
        return "", Reason.RECIPIENT if invalid else Reason.OTHER, Kind.HARD if invalid else Kind.SOFT
    enhanced = found.group(2) or found.group(3) or ""
    first = (found.group(1) or enhanced)[0]
    reason = reason_of(int(found.group(1) or f"{first}00"), enhanced, said)
    code = " ".join(part for part in (found.group(1), enhanced) if part)
    return code, reason, events_policy.kind_of_failure(reason, for_good=first == "5")


def _mail(message_id: str, recipient: str) -> Mail:
    return events_webhook.mail_of({"message_id": message_id, "recipient": recipient})
