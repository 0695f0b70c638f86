"""Recording what the reconcile loop saw. Only what changed is written; a site that is wanted gone and seen gone becomes history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import close_old_connections, transaction
from django.utils import timezone

from webstreet.control.journal.models import note
from webstreet.control.orchestrators.base import SeenSite, SiteState
from webstreet.control.places.models import LOCAL, Cluster
from webstreet.control.reconcile.plan import Plan, Settled, Stalled, Waiting
from webstreet.control.sites.imports import Import
from webstreet.control.sites.models import Site
from webstreet.control.sites.state import shown
from webstreet.kernel.errors import Sentence
from webstreet.kernel.ids import SiteId

BY = "control"


def record_seen(seen: Mapping[SiteId, SeenSite], made: Plan, cluster: str = LOCAL) -> None:
    """Write one observation of a cluster and what follows from it."""
    close_old_connections()
    now = timezone.now()
    with transaction.atomic():
        Cluster.objects.filter(name=cluster).update(seen_at=now, seen_note="")
        for site in Site.objects.kept().filter(cluster__name=cluster).select_related("client", "cluster"):
            if site.site_id in made.results:
                _record(site, seen.get(site.site_id), made.results[site.site_id])


def _record(site: Site, found: SeenSite | None, result: Settled | Waiting | Stalled) -> None:
    if site.wanted_closing and found is None and isinstance(result, Settled):
        _close(site)
        return
    values = _values(site, found, result)
    changed = {name: value for name, value in values.items() if getattr(site, name) != value}
    if not changed:
        return
    if "seen_state" in changed or "seen_generation" in changed:
        changed["seen_since"] = timezone.now()
    before = shown(site, timezone.now())
    for name, value in changed.items():
        setattr(site, name, value)
    # The word that people read: what is seen alone would call a site that is being stopped "starting".
    word = shown(site, timezone.now())
    if word != before:
        note(
            BY, "site.seen", client=site.client.name, object=str(site), state=word.value,
            generation=values["seen_generation"],
        )  # fmt: skip
    Site.objects.filter(pk=site.pk).update(**changed)


def _values(site: Site, found: SeenSite | None, result: Settled | Waiting | Stalled) -> dict[str, Any]:
    happens_next = "" if isinstance(result, Settled) else result.why
    said = Sentence.kept(happens_next)
    if found is None:
        return {
            "seen_state": "", "seen_generation": None, "seen_accepted": None, "seen_note": "", "seen_processes": [],
            "seen_next": happens_next, "seen_next_said": said, "seen_stalled": isinstance(result, Stalled),
        }  # fmt: skip
    serves = found.state is SiteState.RUNNING
    return {
        "seen_state": found.state.value,
        "seen_generation": found.generation,
        "seen_accepted": found.accepted,
        "seen_release": found.facts.release if found.facts else site.seen_release,
        "seen_address": found.address,
        "seen_note": found.note,
        "seen_next": happens_next,
        "seen_next_said": said,
        "seen_stalled": isinstance(result, Stalled),
        "seen_processes": [
            {
                "name": process.name,
                "pid": process.pid,
                "since": process.since.isoformat() if process.since else None,
                "restarts": process.restarts,
                "note": process.note,
            }
            for process in found.processes
        ],
        "seen_backup": found.backup or site.seen_backup,
        "served_at": site.served_at or (timezone.now() if serves else None),
    }


def _close(site: Site) -> None:
    """It is gone: free its name and domains, forget its secrets, keep the row and its backup's place as history."""
    site.domains.all().delete()
    site.secrets.all().delete()
    Import.objects.filter(site=site, finished_at=None).update(
        finished_at=timezone.now(),
        failure={"code": "site.closed", "message": "The site was closed before the import ended."},
    )
    Site.objects.filter(pk=site.pk).update(
        closed_at=timezone.now(), seen_state="gone", seen_generation=None, seen_address="", seen_note="", seen_next="",
        seen_next_said=None, seen_stalled=False, seen_processes=[], seen_since=timezone.now(),
    )  # fmt: skip
    note(BY, "site.closed", client=site.client.name, object=str(site), backup=site.seen_backup)
