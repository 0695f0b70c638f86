"""How many readers there were on each day."""

from __future__ import annotations

from django.db import models

from webstreet.atoms.newsletter.models.base import Plain


class AudienceDay(Plain):
    """One day's figures (UTC), written down while they are known: erased subscribers leave them as they are.

    ``active``: at the end of the day, so far today. ``joined``: who became active on that day. Who left follows from both.
    """

    day = models.DateField(unique=True)
    active = models.PositiveIntegerField()
    joined = models.PositiveIntegerField(default=0)
