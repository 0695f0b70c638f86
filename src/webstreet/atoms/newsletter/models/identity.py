"""As whom the site writes: keys of DKIM, and what DNS says of the sender's domain."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from webstreet.atoms.newsletter.models.base import Plain
from webstreet.atoms.newsletter.rotation import KeyState, Times
from webstreet.engine import sealing
from webstreet.kernel.secret import Secret
from webstreet.mail.dkim import Algorithm, Signer, new_key, read_key

PURPOSE = "newsletter.dkim"


class SigningKey(Plain):
    """A key of DKIM. Its private half is sealed with SECRET_KEY, and emptied as soon as it signs no more.

    Attributes:
        record: what DNS must say at `name`.
        declared_at: when an editor said that the record is set; then DNS is believed only if it is seen there as well.
        seen_at, signing_at, retired_at, removed_at: see `webstreet.atoms.newsletter.rotation`.
    """

    class Kind(models.TextChoices):
        RSA = "rsa-sha256", "RSA"
        ED25519 = "ed25519-sha256", "Ed25519"

    domain = models.CharField(max_length=253)
    selector = models.CharField(max_length=63)
    algorithm = models.CharField(max_length=20, choices=Kind.choices)
    record = models.CharField(max_length=1000)
    sealed = models.TextField(blank=True, default="")
    made_at = models.DateTimeField(default=timezone.now)
    declared_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    signing_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta(Plain.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["domain", "selector"], name="newsletter_key_selector")]

    @classmethod
    def make(cls, domain: str, algorithm: Algorithm, selector: str, now: dt.datetime) -> SigningKey:
        pem = new_key(algorithm)
        record = Signer(domain, selector, read_key(pem)).record_text
        sealed = sealing.seal(pem, PURPOSE)
        return cls.objects.create(
            domain=domain, selector=selector, algorithm=algorithm, record=record, sealed=sealed, made_at=now
        )

    @property
    def name(self) -> str:
        """Where its record belongs."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def private(self) -> Secret | None:
        """None: it is erased, or was sealed with another SECRET_KEY."""
        return sealing.unseal(self.sealed, PURPOSE) if self.sealed else None

    @property
    def times(self) -> Times:
        moments = (self.made_at, self.seen_at, self.signing_at, self.retired_at, self.removed_at)
        return Times(self.pk, *moments, lost=not self.retired_at and not self.removed_at and self.private is None)

    @property
    def state(self) -> KeyState:
        return self.times.state

    def become(self, times: Times) -> None:
        """Store what `rotation.advanced` decided."""
        self.signing_at, self.retired_at, self.removed_at = times.signing_at, times.retired_at, times.removed_at
        if self.retired_at or self.removed_at:
            self.sealed = ""
        self.save(update_fields=["signing_at", "retired_at", "removed_at", "sealed"])


class DnsRecord(Plain):
    """A name that is looked up, and what was found the last time.

    Attributes:
        kind, fact, found: a `webstreet.mail.records.Verdict`; ``kind`` is empty before the first look.
        asked_at: when an editor wanted it looked up.
    """

    class Purpose(models.TextChoices):
        DKIM = "dkim", "DKIM"
        SPF = "spf", "SPF"
        DMARC = "dmarc", "DMARC"

    class Kind(models.TextChoices):
        RIGHT = "right", _("Found")
        MISSING = "missing", _("Not found")
        WRONG = "wrong", _("Different")
        SILENT = "silent", _("No answer")

    name = models.CharField(max_length=255, unique=True)
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    kind = models.CharField(max_length=10, choices=Kind.choices, blank=True, default="")
    fact = models.CharField(max_length=20, blank=True, default="")
    found = models.JSONField(default=list)
    checked_at = models.DateTimeField(null=True, blank=True)
    asked_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(default=timezone.now, db_index=True)

    @property
    def is_looked_up(self) -> bool:
        """Whether an answer is under way that somebody waits for."""
        return self.checked_at is None or (self.asked_at is not None and self.asked_at > self.checked_at)
