"""Whom nobody may write to: those who are here, and those of whom nothing is left but a hash."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from webstreet.atoms.newsletter.models.base import Plain
from webstreet.atoms.newsletter.models.event import Event
from webstreet.atoms.newsletter.models.subscriber import Subscriber


class Suppression(Plain):
    """Why an address gets nothing. It is kept as a keyed hash: enough to recognise the address when it comes again, and to nothing else.

    Without the site's SECRET_KEY it cannot be turned back by trying addresses. An import or an editor cannot bring the address back
    but where `webstreet.atoms.newsletter.events_policy` says so; its owner can, by signing up and confirming. ``hard``: not even that.

    Attributes:
        subscriber: who is here and is suppressed; null: the person was erased. ``before``: the subscriber's status until then.
        reason: null: erased.
        event: what the address was suppressed for. ``why``, ``user_id``: an editor's words, and who that was.
    """

    class Reason(models.TextChoices):
        ERASED = "erased", _("Erased at their own wish")
        BOUNCE = "bounce", _("Mails come back")
        COMPLAINT = "complaint", _("Reported as spam")
        EDITOR = "editor", _("Barred by an editor")

    digest = models.CharField(max_length=64, unique=True)
    at = models.DateTimeField(default=timezone.now)
    hard = models.BooleanField(default=False)
    reason = models.CharField(max_length=12, choices=Reason.choices, null=True)
    subscriber = models.ForeignKey(
        Subscriber, null=True, blank=True, on_delete=models.SET_NULL, related_name="suppressions"
    )
    event = models.ForeignKey(Event, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    before = models.CharField(max_length=12, blank=True, null=True)
    why = models.CharField(max_length=300, blank=True, null=True)
    user_id = models.BigIntegerField(null=True, blank=True)

    @classmethod
    def note(cls, email: str, *, hard: bool) -> None:
        """Keep a normalised address from coming back once its person is erased. The reason stays, and a hard one stays hard."""
        row, created = cls.objects.get_or_create(
            digest=digest(email), defaults={"hard": hard, "reason": cls.Reason.ERASED}
        )
        if not created:
            cls.objects.filter(pk=row.pk).update(hard=hard or row.hard, why="")

    @classmethod
    def holds(cls, email: str, *, hard: bool | None = None) -> bool:
        """Whether a normalised address is barred; ``hard``: only such."""
        rows = cls.objects.filter(digest=digest(email))
        return (rows if hard is None else rows.filter(hard=hard)).exists()

    @classmethod
    def held(cls, emails: Iterable[str]) -> set[str]:
        """Those of many normalised addresses that are barred."""
        digests = {digest(email): email for email in emails}
        rows = cls.objects.filter(digest__in=list(digests)) if cls.objects.exists() else cls.objects.none()
        return {digests[found] for found in rows.values_list("digest", flat=True)}

    @classmethod
    def lift(cls, email: str) -> None:
        """The owner of the address confirmed a new subscription."""
        cls.objects.filter(digest=digest(email), hard=False).delete()


def digest(email: str) -> str:
    """The keyed hash of a normalised address."""
    return hmac.new(settings.SECRET_KEY.encode(), f"newsletter:erased:{email}".encode(), hashlib.sha256).hexdigest()
