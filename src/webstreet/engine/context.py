"""What every page template knows about the site."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from webstreet.engine import site as this_site


def site(request: HttpRequest) -> dict[str, Any]:
    """``site_title``, ``site_manifest``, ``base_url`` and the site's address of this very page."""
    manifest = this_site.current()
    return {
        "site_title": manifest.title,
        "site_manifest": manifest,
        "base_url": this_site.base_url(),
        "canonical_url": this_site.absolute(request.path),
    }
