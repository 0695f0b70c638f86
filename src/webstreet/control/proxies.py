"""What a proxy says of a request, believed only if the proxy is one of ours (WEBSTREET_TRUSTED_PROXIES). No Django here."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, MutableMapping
from typing import Any

from webstreet.contract.environment import SettingInvalid

VARIABLE = "WEBSTREET_TRUSTED_PROXIES"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def parse_networks(text: str) -> tuple[Network, ...]:
    """``127.0.0.1, 10.0.0.0/8`` -> networks.

    Raises:
        SettingInvalid: one of them is not an address or network.
    """
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            found.append(ipaddress.ip_network(part, strict=False))
        except ValueError:
            raise SettingInvalid(
                f'{VARIABLE} names "{part[:60]}", which is not a network: write 10.0.0.0/8 or 192.0.2.7.',
                code="setting.network",
            ) from None
    return tuple(found)


def believe(meta: MutableMapping[str, Any], trusted: Iterable[Network]) -> None:
    """Put the real peer into ``REMOTE_ADDR``; forget what a stranger wrote into ``X-Forwarded-*``.

    The real peer is the last address of X-Forwarded-For that is not itself a trusted proxy: everything left of it may be invented.
    """
    trusted = tuple(trusted)
    peer = str(meta.get("REMOTE_ADDR", ""))
    forwarded = str(meta.pop("HTTP_X_FORWARDED_FOR", ""))
    if not _within(peer, trusted):
        meta.pop("HTTP_X_FORWARDED_PROTO", None)
        return
    for hop in reversed(forwarded.split(",")):
        if _address(hop) is None:
            break
        peer = hop.strip()
        if not _within(peer, trusted):
            break
    meta["REMOTE_ADDR"] = peer


def _within(address: str, networks: Iterable[Network]) -> bool:
    parsed = _address(address)
    return parsed is not None and any(parsed in network for network in networks)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed
