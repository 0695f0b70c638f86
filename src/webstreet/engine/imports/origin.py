"""Where something of this site was imported from, for what has no columns of its own for that."""

from __future__ import annotations

from django.db import models


class Origin(models.Model):
    """The object that a record of a source became. ``digest``: of the record; ``state``: of the object as the import left it.

    Names nobody: ``external_id`` is a number of the source's, and only content is noted here.
    """

    source = models.CharField(max_length=50)
    kind = models.CharField(max_length=20)
    external_id = models.CharField(max_length=100)
    object_id = models.BigIntegerField()
    digest = models.CharField(max_length=64, blank=True, default="")
    state = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        app_label = "engine"
        constraints = [models.UniqueConstraint(fields=["source", "kind", "external_id"], name="engine_origin_once")]

    wagtail_reference_index_ignore = True

    def __str__(self) -> str:
        return f"{self.source} {self.kind} {self.external_id}"
