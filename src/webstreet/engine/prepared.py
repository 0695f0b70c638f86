"""What ``prepare`` noted about the work it finished."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class Prepared(models.Model):
    """A step of prepare and the digest of what it was done for; the same digest again means there is nothing to do."""

    step = models.CharField(max_length=50, primary_key=True)
    digest = models.CharField(max_length=64)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        app_label = "engine"

    def __str__(self) -> str:
        return self.step
