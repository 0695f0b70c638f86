"""Links that do one thing, for a while."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets

from django.db import models
from django.utils import timezone

from webstreet.atoms.newsletter.models.base import Plain
from webstreet.atoms.newsletter.models.subscriber import Subscriber
from webstreet.mail.address import ADDRESS_MAX

KEEP = dt.timedelta(days=30)
_SHAPE = re.compile(r"[A-Za-z0-9_-]{20,60}\Z")


class Token(Plain):
    """The hash of a random token. Random and not signed: a signed address in a link would be the address in a link.

    ``email``: the new address that the link confirms, for the purpose ADDRESS.
    """

    class Purpose(models.TextChoices):
        CONFIRM = "confirm"
        UNDO = "undo"
        ADDRESS = "address"
        DATA = "data"

    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    digest = models.CharField(max_length=64, unique=True)
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="tokens")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True, blank=True)
    email = models.CharField(max_length=ADDRESS_MAX, null=True, blank=True)

    @classmethod
    def make(cls, purpose: str, subscriber: Subscriber, *, hours: int, email: str | None = None) -> str:
        """A new token's text, which is nowhere stored."""
        text = secrets.token_urlsafe(24)
        cls.objects.create(
            purpose=purpose,
            digest=_digest(purpose, text),
            subscriber=subscriber,
            email=email,
            expires_at=timezone.now() + dt.timedelta(hours=hours),
        )
        return text

    @classmethod
    def find(cls, purpose: str, text: str, *, lock: bool = False) -> Token | None:
        """The token with this text, used and expired ones too; None if there is none for this purpose."""
        if not _SHAPE.match(text):
            return None
        rows = cls.objects.select_for_update() if lock else cls.objects.all()
        return rows.filter(purpose=purpose, digest=_digest(purpose, text)).first()

    @property
    def is_open(self) -> bool:
        return self.used_at is None and timezone.now() < self.expires_at

    def use(self) -> None:
        self.used_at = timezone.now()
        self.save(update_fields=["used_at"])


def _digest(purpose: str, text: str) -> str:
    return hashlib.sha256(f"{purpose}:{text}".encode()).hexdigest()
