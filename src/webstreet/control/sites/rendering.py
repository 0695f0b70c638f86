"""A site as documents that a person can read: site.yaml, the wish as the orchestrator gets it, and what is seen. No secret's value."""

from __future__ import annotations

from typing import Any

from webstreet.control.sites.models import Site


def rendered(site: Site) -> list[dict[str, Any]]:
    manifest = site.manifest().model_dump(mode="json", exclude_defaults=True)
    wish = {
        "wanted": {
            "generation": site.wanted_generation,
            "suspended": site.wanted_suspended,
            "closing": site.wanted_closing,
            "cluster": site.cluster.name,
            "orchestrator": site.cluster.kind,
            "secrets": [{"name": name, "from": "the vault"} for name in _secret_names(site)],
        }
    }
    seen = {
        "seen": {
            "state": site.seen_state or None,
            "generation": site.seen_generation,
            "accepted": site.seen_accepted,
            "address": site.seen_address or None,
            "release": site.seen_release or None,
            "processes": site.seen_processes,
            "note": site.seen_note or None,
            "last_backup": site.seen_backup or None,
            "at": site.cluster.seen_at.isoformat() if site.cluster.seen_at else None,
        }
    }
    return [manifest, wish, seen]


def _secret_names(site: Site) -> list[str]:
    return sorted(secret.name for secret in site.secrets.all())
