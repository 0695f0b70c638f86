"""A subscriber, and the record of what was agreed to."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hmac
import secrets
import uuid
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from webstreet.atoms.newsletter.models.base import Plain
from webstreet.mail.address import ADDRESS_MAX, readable_address
from webstreet.mail.keyed import KeyedHash


def unsubscribe_token() -> str:
    """160 bits; kept in clear because every mail carries it again, and all it can do is unsubscribe."""
    return secrets.token_urlsafe(20)


def preferences_token(public_id: bytes, email: str) -> str:
    """What the preferences link of every mail carries: who it is, and a keyed hash over that and the address.

    Nothing is stored for it, the address cannot be read from it, it opens nothing but preferences, and with a change of the address the
    links in older mails end: whoever reads the old mailbox has no way to the new one.
    """
    token = binascii.b2a_base64(public_id + _seal(public_id, email), newline=False)
    return token.translate(_URL_SAFE).rstrip(b"=").decode("ascii")


def _seal(public_id: bytes, email: str) -> bytes:
    return _keyed(settings.SECRET_KEY).digest(public_id + email.encode())[:_SEAL]


@lru_cache(maxsize=1)
def _keyed(secret: str) -> KeyedHash:
    return KeyedHash(secret.encode(), b"newsletter:preferences:")


_SEAL = 20
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class Subscriber(Plain):
    """A person who reads by mail. ``email`` is normalised (`webstreet.mail.address`), so that one mailbox is one row.

    Attributes:
        public_id: names the subscriber in Message-IDs.
        source, external_id: where an imported one came from; both empty or null for sign-ups.
        confirmation_asked_at: when the last confirmation mail was prepared; the next may follow a day later.
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("Waiting for confirmation")
        ACTIVE = "active", _("Active")
        UNSUBSCRIBED = "unsubscribed", _("Unsubscribed")
        SUPPRESSED = "suppressed", _("Suppressed")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = models.CharField(max_length=ADDRESS_MAX, unique=True)
    name = models.CharField(max_length=100, blank=True, default="")
    language = models.CharField(max_length=10, blank=True, default="")
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.PENDING)
    status_since = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)
    source = models.CharField(max_length=60, default="form")
    external_id = models.CharField(max_length=100, null=True, blank=True)
    unsubscribe_token = models.CharField(max_length=40, unique=True, default=unsubscribe_token, editable=False)
    confirmation_asked_at = models.DateTimeField(null=True, blank=True)

    class Meta(Plain.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["source", "external_id"], name="newsletter_subscriber_external")]
        # One for each order and each filter of the list that is not covered by a unique constraint.
        indexes = [
            models.Index(fields=["status", "id"], name="newsletter_subscriber_status"),
            models.Index(fields=["created_at", "id"], name="newsletter_subscriber_created"),
            models.Index(fields=["status_since", "id"], name="newsletter_subscriber_since"),
            models.Index(fields=["language", "id"], name="newsletter_subscriber_lang"),
        ]

    @property
    def preferences_token(self) -> str:
        return preferences_token(self.public_id.bytes, self.email)

    @classmethod
    def find_by_preferences_token(cls, text: str) -> Subscriber | None:
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
        except (ValueError, UnicodeError):
            return None
        if len(raw) != 16 + _SEAL:
            return None
        found = cls.objects.filter(public_id=uuid.UUID(bytes=raw[:16])).first()
        return found if found and hmac.compare_digest(raw[16:], _seal(raw[:16], found.email)) else None

    @property
    def shown_email(self) -> str:
        return readable_address(self.email)

    @property
    def is_active(self) -> bool:
        return self.status == self.Status.ACTIVE

    def become(self, status: Any, *, now: dt.datetime | None = None) -> bool:
        """Change the status in place (saved); whether it changed."""
        if self.status == status:
            return False
        self.status, self.status_since = status, now or timezone.now()
        self.save(update_fields=["status", "status_since"])
        return True

    def note_consent(
        self, event: Any, *, version: str = "", text: str = "", source: str = "", network: str = ""
    ) -> None:
        self.consents.create(event=event, text_version=version, text=text, source=source, network=network)


class ConsentRecord(Plain):
    """One thing a person said, as it would have to be proved. ``network`` is shortened to /24 or /56. Append-only."""

    class Event(models.TextChoices):
        ASKED = "asked", _("Signed up")
        CONFIRMED = "confirmed", _("Confirmed")
        IMPORTED = "imported", _("Imported")
        ADDED = "added", _("Added by an editor")
        WITHDRAWN = "withdrawn", _("Unsubscribed")
        RESTORED = "restored", _("Unsubscription undone")
        LISTS = "lists", _("Lists chosen")
        DETAILS = "details", _("Name or language changed")
        ADDRESS = "address", _("Address changed")

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="consents")
    event = models.CharField(max_length=12, choices=Event.choices)
    at = models.DateTimeField(default=timezone.now)
    text_version = models.CharField(max_length=40, blank=True, default="")
    text = models.TextField(blank=True, default="")
    source = models.CharField(max_length=60, blank=True, default="")
    network = models.CharField(max_length=50, blank=True, default="")
