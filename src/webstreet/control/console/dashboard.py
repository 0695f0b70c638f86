"""The first page: what needs somebody, what is under way, how much there is, what happened last."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from webstreet.control.clients.models import Client
from webstreet.control.console.words import STATES
from webstreet.control.journal.models import Event
from webstreet.control.places.models import Cluster
from webstreet.control.sites.imports import Import
from webstreet.control.sites.models import Site
from webstreet.control.sites.state import ATTENTION, UNDER_WAY, Shown

FEW = 8


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    return context | overview()


def overview() -> dict[str, Any]:
    """What the page shows; also of its live part."""
    sites = Site.objects.kept().with_state().select_related("client", "cluster").prefetch_related("domains")
    in_order = sites.order_by("attention", "client__name", "name")
    counted = Site.objects.kept().with_state().values("shown_state").annotate(n=Count("pk")).order_by()
    counts = {row["shown_state"]: row["n"] for row in counted}
    now = timezone.now()
    return {
        "clients": Client.objects.count(),
        "sites_total": sum(counts.values()),
        "tiles": _tiles(counts),
        "attention": in_order.filter(shown_state__in=ATTENTION)[:FEW],
        "under_way": in_order.filter(shown_state__in=UNDER_WAY)[:FEW],
        "failed_imports": _failed_imports()[:FEW],
        "blind": [cluster for cluster in Cluster.objects.all() if not cluster.is_seen(now)],
        "events": Event.objects.all()[:FEW],
        "state_folder": settings.STATE.root,
    }


def _failed_imports() -> QuerySet[Import]:
    """Only the latest import of a site counts: when it was tried again, the failure before needs nobody any more."""
    later = Import.objects.filter(site=OuterRef("site"), created_at__gt=OuterRef("created_at"))
    failed = Import.objects.filter(~Exists(later), failure__isnull=False, site__closed_at=None)
    return failed.select_related("site__client")


def _tiles(counts: dict[str, int]) -> list[dict[str, Any]]:
    """One tile a state that occurs, and always the one for what runs."""
    address = reverse("console:sites_site_changelist")
    return [
        {
            "state": state.value,
            "word": STATES[state.value],
            "n": counts.get(state.value, 0),
            "href": f"{address}?state={state.value}",
        }
        for state in Shown
        if state is Shown.RUNNING or counts.get(state.value)
    ]
