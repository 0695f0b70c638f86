"""Zone, Cluster, Node."""

from __future__ import annotations

import datetime as dt
import platform

from django.db import models
from django.utils.translation import gettext_lazy as _

LOCAL = "local"
STALE_S = 120
"""An observation older than this says nothing about now."""


class Zone(models.Model):
    """An availability zone: what fails together."""

    name = models.SlugField(_("name"), max_length=40, unique=True)

    class Meta:
        verbose_name = _("zone")
        verbose_name_plural = _("zones")

    def __str__(self) -> str:
        return self.name


class Cluster(models.Model):
    """One orchestrator that control can talk to, and when it last saw what runs there."""

    class Kind(models.TextChoices):
        PROCESSES = "processes", _("Processes on this machine")

    name = models.SlugField(_("name"), max_length=40, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    seen_at = models.DateTimeField(_("last observed"), null=True, blank=True, editable=False)
    seen_note = models.TextField(_("what went wrong"), blank=True, editable=False)

    class Meta:
        verbose_name = _("cluster")
        verbose_name_plural = _("clusters")

    def __str__(self) -> str:
        return self.name

    def is_seen(self, now: dt.datetime) -> bool:
        """Whether the last observation still says something."""
        return self.seen_at is not None and now - self.seen_at <= dt.timedelta(seconds=STALE_S)


class Node(models.Model):
    """One machine of a cluster."""

    class Role(models.TextChoices):
        ADMIN = "admin", _("Administration")
        HOSTING = "hosting", _("Hosting")
        CLIENT = "client", _("Client")

    name = models.CharField(_("name"), max_length=253)
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="nodes")
    zone = models.ForeignKey(Zone, on_delete=models.PROTECT, related_name="nodes")
    role = models.CharField(_("role"), max_length=20, choices=Role)

    class Meta:
        verbose_name = _("node")
        verbose_name_plural = _("nodes")
        constraints = [models.UniqueConstraint(fields=["cluster", "name"], name="node_once_in_cluster")]

    def __str__(self) -> str:
        return self.name


def make_local() -> Cluster:
    """The cluster that is this machine; made once."""
    zone, _made = Zone.objects.get_or_create(name=LOCAL)
    cluster, _made = Cluster.objects.get_or_create(name=LOCAL, defaults={"kind": Cluster.Kind.PROCESSES})
    node_name = platform.node() or LOCAL
    Node.objects.get_or_create(cluster=cluster, name=node_name, defaults={"zone": zone, "role": Node.Role.HOSTING})
    return cluster
