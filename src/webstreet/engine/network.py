"""Who is at the other end of a request, as far as we may believe it."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest

from webstreet.contract.proxies import real_peer

IPV6_NETWORK_BITS = 64
"""What one reader usually has for himself (RFC 6177)."""


def client_ip(request: HttpRequest) -> str:
    """The reader's address, as `real_peer` says; empty when the peer is unknown (a Unix socket)."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    return real_peer(request.META.get("REMOTE_ADDR", ""), forwarded, settings.WEBSTREET_TRUSTED_PROXIES)


def network_of(address: str) -> str:
    """What limits are counted by: the address, or the network of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((int(parsed), IPV6_NETWORK_BITS), strict=False))
