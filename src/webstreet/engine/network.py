"""Who is at the other end of a request, as far as we may believe it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from django.conf import settings
from django.http import HttpRequest

from webstreet.contract.environment import SettingInvalid

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def parse_networks(text: str) -> tuple[Network, ...]:
    """``10.0.0.0/8, ::1`` -> networks.

    Raises:
        SettingInvalid: one of them is not an address or network.
    """
    found = []
    for part in filter(None, (p.strip() for p in text.split(","))):
        try:
            found.append(ipaddress.ip_network(part, strict=False))
        except ValueError:
            raise SettingInvalid(
                f'TRUSTED_PROXIES names "{part[:60]}", which is not a network: write 10.0.0.0/8 or 192.0.2.7.',
                code="setting.network",
            ) from None
    return tuple(found)


def within(address: str, networks: Iterable[Network]) -> bool:
    parsed = _address(address)
    return parsed is not None and any(parsed in network for network in networks)


def is_loopback(address: str) -> bool:
    parsed = _address(address)
    return parsed is not None and parsed.is_loopback


def client_ip(request: HttpRequest) -> str:
    """The reader's address: the peer's, or, when the peer is a trusted proxy, the last address in X-Forwarded-For that is
    not itself a trusted proxy. Everything left of that was written by strangers. Empty when the peer is unknown (a Unix socket).
    """
    trusted: tuple[Network, ...] = settings.WEBSTREET_TRUSTED_PROXIES
    peer = _plain(request.META.get("REMOTE_ADDR", ""))
    if not within(peer, trusted):
        return peer
    for hop in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        candidate = _plain(hop)
        if _address(candidate) is None:
            return peer
        peer = candidate
        if not within(peer, trusted):
            return peer
    return peer


def _address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


def _plain(text: str) -> str:
    """The address without port, brackets and spaces, IPv4 inside IPv6 as IPv4; unchanged when it is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    address = _address(text)
    return str(address) if address else text
