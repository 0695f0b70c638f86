"""TXT and MX records as DNS has them now. Every failure is an `Answer`: whoever asks has to tell "there is none" from "nobody answered"."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import dns.exception
import dns.inet
import dns.nameserver
import dns.rdtypes.ANY.MX
import dns.rdtypes.ANY.TXT
import dns.resolver

from webstreet.mail.errors import NameServerInvalid

ONE_S, ALL_S = 2.0, 6.0
TEXTS_MAX, TEXT_MAX = 20, 2048
"""More of a name's records is nothing that mail knows; they come from outside."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What DNS says of one name.

    Attributes:
        kind: ``none``: DNS knows that there is no such record; ``silent``: nobody could say (time-out, SERVFAIL).
        texts: of each TXT record, its strings put together; of MX records, the names of the servers.
    """

    kind: Literal["found", "none", "silent"]
    texts: tuple[str, ...] = ()


class Lookup:
    """Asks for records, for at most `ALL_S` in all.

    Args:
        servers: addresses of name servers, ``9.9.9.9``, ``127.0.0.1:5353``, ``[2620:fe::fe]:53``; none: those of the system.

    Raises:
        NameServerInvalid: one of them is no address.
    """

    def __init__(self, servers: Sequence[str] = ()) -> None:
        self._end = time.monotonic() + ALL_S
        self._resolver: dns.resolver.Resolver | None = None
        try:
            self._resolver = dns.resolver.Resolver(configure=not servers)
            if servers:
                self._resolver.nameservers = [_server(text) for text in servers]
        except dns.resolver.NoResolverConfiguration:
            return
        self._resolver.cache = None
        self._resolver.timeout = ONE_S

    def texts(self, name: str) -> Answer:
        """The TXT records of ``name``, aliases followed."""
        answer = self._records(name, "TXT")
        if not isinstance(answer, dns.resolver.Answer):
            return answer
        records = [record for record in answer if isinstance(record, dns.rdtypes.ANY.TXT.TXT)]
        texts = [b"".join(record.strings).decode("utf-8", "replace")[:TEXT_MAX] for record in records[:TEXTS_MAX]]
        return Answer("found", tuple(sorted(texts)))

    def mail_servers(self, domain: str) -> Answer:
        """The mail servers of ``domain`` (MX), those it prefers first, in small letters and without a dot at the end."""
        answer = self._records(domain, "MX")
        if not isinstance(answer, dns.resolver.Answer):
            return answer
        records = [record for record in answer if isinstance(record, dns.rdtypes.ANY.MX.MX)]
        ranked = sorted((record.preference, record.exchange.to_text(True).lower()) for record in records[:TEXTS_MAX])
        return Answer("found", tuple(name for _, name in ranked))

    def _records(self, name: str, kind: str) -> dns.resolver.Answer | Answer:
        left = self._end - time.monotonic()
        if self._resolver is None or left <= 0:
            return Answer("silent")
        try:
            return self._resolver.resolve(name + ".", kind, search=False, lifetime=min(ONE_S, left))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return Answer("none")
        except (dns.exception.DNSException, OSError):
            return Answer("silent")


def _server(text: str) -> dns.nameserver.Nameserver:
    host, port = text, "53"
    if text.count(":") == 1 or "]:" in text:
        host, _, port = text.rpartition(":")
    try:
        return dns.nameserver.Do53Nameserver(dns.inet.canonicalize(host.strip("[]")), int(port))
    except (ValueError, dns.exception.DNSException):
        raise NameServerInvalid(
            f"{text[:60]} is no address of a name server: write 9.9.9.9, 127.0.0.1:5353 or [2620:fe::fe]:53."
        ) from None
