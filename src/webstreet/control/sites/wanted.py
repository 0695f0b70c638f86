"""The wish of every site, as the reconcile loop reads it."""

from __future__ import annotations

from django.db import close_old_connections

from webstreet.control.places.models import LOCAL
from webstreet.control.reconcile.plan import Wanted
from webstreet.control.sites.models import Site
from webstreet.kernel.ids import SiteId


def wanted_sites(cluster: str = LOCAL) -> dict[SiteId, Wanted]:
    """Everything that is not closed yet on one cluster."""
    close_old_connections()
    sites = Site.objects.kept().filter(cluster__name=cluster).select_related("client")
    return {
        site.site_id: Wanted(site.workload(), closing=site.wanted_closing, final_backup_label=site.final_backup_label)
        for site in sites.prefetch_related("domains", "residencies", "secrets")
    }
