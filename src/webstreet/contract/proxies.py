"""Whom to believe about where a request comes from: the same rule for control plane and sites. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from webstreet.contract.environment import TRUSTED_PROXIES, SettingInvalid

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def parse_networks(text: str, *, variable: str = TRUSTED_PROXIES) -> tuple[Network, ...]:
    """``127.0.0.1, 10.0.0.0/8`` -> networks.

    Args:
        variable: where the text was read, for the message.

    Raises:
        SettingInvalid: one of them is not an address or network.
    """
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            found.append(ipaddress.ip_network(part, strict=False))
        except ValueError:
            raise SettingInvalid(
                f'{variable} names "{part[:60]}", which is not a network: write 10.0.0.0/8 or 192.0.2.7.',
                code="setting.network",
            ) from None
    return tuple(found)


def real_peer(peer: str, forwarded: str, trusted: Iterable[Network]) -> str:
    """The address that a request comes from: the peer's, or, when that is a trusted proxy, the last address of
    ``X-Forwarded-For`` that is not itself one. Everything left of that was written by strangers. Empty when the peer is unknown
    (a Unix socket).
    """
    trusted = tuple(trusted)
    peer = plain(peer)
    if not within(peer, trusted):
        return peer
    for hop in reversed(forwarded.split(",")):
        candidate = plain(hop)
        if _address(candidate) is None:
            return peer
        peer = candidate
        if not within(peer, trusted):
            return peer
    return peer


def within(address: str, networks: Iterable[Network]) -> bool:
    parsed = _address(address)
    return parsed is not None and any(parsed in network for network in networks)


def is_loopback(address: str) -> bool:
    parsed = _address(address)
    return parsed is not None and parsed.is_loopback


def plain(text: str) -> str:
    """The address without port, brackets and spaces, IPv4 inside IPv6 as IPv4; unchanged when it is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    address = _address(text)
    return str(address) if address else text


def _address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
