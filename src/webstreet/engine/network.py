"""Who is at the other end of a request, as far as we may believe it."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from webstreet.contract.proxies import real_peer


def client_ip(request: HttpRequest) -> str:
    """The reader's address, as `real_peer` says; empty when the peer is unknown (a Unix socket)."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    return real_peer(request.META.get("REMOTE_ADDR", ""), forwarded, settings.WEBSTREET_TRUSTED_PROXIES)
