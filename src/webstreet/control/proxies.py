"""What a proxy says of a request, believed only if the proxy is one of ours (WEBSTREET_TRUSTED_PROXIES). No Django here."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from typing import Any

from webstreet.contract.proxies import Network, real_peer, within

VARIABLE = "WEBSTREET_TRUSTED_PROXIES"


def believe(meta: MutableMapping[str, Any], trusted: Iterable[Network]) -> None:
    """Put the real peer into ``REMOTE_ADDR``; forget what a stranger wrote into ``X-Forwarded-*``."""
    trusted = tuple(trusted)
    peer = str(meta.get("REMOTE_ADDR", ""))
    forwarded = str(meta.pop("HTTP_X_FORWARDED_FOR", ""))
    if within(peer, trusted):
        meta["REMOTE_ADDR"] = real_peer(peer, forwarded, trusted)
    else:
        meta.pop("HTTP_X_FORWARDED_PROTO", None)
