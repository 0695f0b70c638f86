"""Whom nobody may write to again, without saying who that is."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from django.conf import settings
from django.db import models
from django.utils import timezone

from webstreet.atoms.newsletter.models.base import Plain


class Suppression(Plain):
    """A keyed hash of an address that was erased: enough to recognise the address when it comes again, and to nothing else.

    Without the site's SECRET_KEY it cannot be turned back by trying addresses. An import or an editor cannot bring the address back;
    its owner can, by signing up and confirming. ``hard``: the address was suppressed when it was erased, so not even that.
    """

    digest = models.CharField(max_length=64, unique=True)
    at = models.DateTimeField(default=timezone.now)
    hard = models.BooleanField(default=False)

    @classmethod
    def note(cls, email: str, *, hard: bool) -> None:
        """Remember a normalised address; a hard one stays hard."""
        row, created = cls.objects.get_or_create(digest=_digest(email), defaults={"hard": hard})
        if not created and hard and not row.hard:
            cls.objects.filter(pk=row.pk).update(hard=True)

    @classmethod
    def holds(cls, email: str, *, hard: bool | None = None) -> bool:
        """Whether a normalised address was erased; ``hard``: only such."""
        rows = cls.objects.filter(digest=_digest(email))
        return (rows if hard is None else rows.filter(hard=hard)).exists()

    @classmethod
    def held(cls, emails: Iterable[str]) -> set[str]:
        """Those of many normalised addresses that were erased."""
        digests = {_digest(email): email for email in emails}
        rows = cls.objects.filter(digest__in=list(digests)) if cls.objects.exists() else cls.objects.none()
        return {digests[digest] for digest in rows.values_list("digest", flat=True)}

    @classmethod
    def lift(cls, email: str) -> None:
        """The owner of the address confirmed a new subscription."""
        cls.objects.filter(digest=_digest(email), hard=False).delete()


def _digest(email: str) -> str:
    return hmac.new(settings.SECRET_KEY.encode(), f"newsletter:erased:{email}".encode(), hashlib.sha256).hexdigest()
