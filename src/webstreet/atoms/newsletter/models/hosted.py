"""What DNS says of the domains that a limit met, see `webstreet.atoms.newsletter.hosted`."""

from __future__ import annotations

from django.db import models

from webstreet.atoms.newsletter.models.base import Plain

DOMAIN_MAX = 253


class HostedDomain(Plain):
    """A recipient's domain that is no provider's own.

    Attributes:
        family: the provider that its mail lies with, see `webstreet.mail.families`; empty: none of them, or not known yet.
        met_at: when a limit met it last, give or take a day.
        due_at: when to look it up (again).
    """

    domain = models.CharField(max_length=DOMAIN_MAX, unique=True)
    family = models.CharField(max_length=40, blank=True, default="")
    met_at = models.DateTimeField()
    due_at = models.DateTimeField(db_index=True)
