"""A real DNS server on loopback, UDP and TCP, that says of TXT and MX records what it is told.

with DnsServer({"example.org": ["v=spf1 -all"]}) as dns:
    dns.records["_dmarc.example.org"] = ["v=DMARC1; p=none"]
    Lookup([dns.address]).texts("example.org")
"""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from webstreet.mail.dkim import txt_strings

TRIES = 20
UDP_MAX = 512
Said = Sequence[str] | Literal["servfail", "silent", "other"]


class DnsServer:
    """Context manager; a free port.

    Attributes:
        records: name -> texts of its TXT records, each split into strings as is due; "servfail", "silent" (no answer ever) or "other" (the
            name exists and has no TXT record). Unknown names do not exist.
        mail_servers: name -> its mail servers (MX), those it prefers first.
        aliases: name -> the name whose records it has (CNAME).
        asked: every name that was asked for, over UDP and TCP.
    """

    def __init__(self, records: Mapping[str, Said] | None = None) -> None:
        self.records: dict[str, Said] = dict(records or {})
        self.mail_servers: dict[str, Sequence[str]] = {}
        self.aliases: dict[str, str] = {}
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        """As `webstreet.mail.lookup.Lookup` and DNS_SERVERS take it."""
        return f"127.0.0.1:{self._udp.server_address[1]}"

    def answer(self, question: bytes, limit: int) -> bytes | None:
        query = dns.message.from_wire(question)
        asked = query.question[0].name
        name = asked.to_text(omit_final_dot=True).lower()
        self.asked.append(name)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA | dns.flags.AA
        if name in self.aliases:
            name = self.aliases[name]
            target = f"{name}."
            response.answer.append(dns.rrset.from_text(asked, 60, "IN", "CNAME", target))
            asked = dns.name.from_text(target)
        servers = self.mail_servers.get(name, ())
        if servers and query.question[0].rdtype == dns.rdatatype.MX:
            ranked = [f"{10 * rank} {server}." for rank, server in enumerate(servers, 1)]
            response.answer.append(dns.rrset.from_text_list(asked, 60, "IN", "MX", ranked))
            return response.to_wire(max_size=limit, prefer_truncation=True)
        said = self.records.get(name, "other" if servers else None)
        if said == "silent":
            return None
        if said is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif said == "servfail":
            response.set_rcode(dns.rcode.SERVFAIL)
        elif said != "other" and query.question[0].rdtype == dns.rdatatype.TXT:
            texts = [" ".join(f'"{_quoted(part)}"' for part in txt_strings(text) or [""]) for text in said]
            response.answer.append(dns.rrset.from_text_list(asked, 60, "IN", "TXT", texts))
        return response.to_wire(max_size=limit, prefer_truncation=True)

    def __enter__(self) -> Self:
        answer = self.answer

        class Udp(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                data, sock = self.request
                if (said := answer(data, UDP_MAX)) is not None:
                    sock.sendto(said, self.client_address)

        class Tcp(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                size = int.from_bytes(self.rfile.read(2), "big")
                if size and (said := answer(self.rfile.read(size), 65_535)) is not None:
                    self.wfile.write(len(said).to_bytes(2, "big") + said)

        self._udp, self._tcp = _one_port(Udp, Tcp)
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    @property
    def _servers(self) -> tuple[socketserver.BaseServer, socketserver.BaseServer]:
        return self._udp, self._tcp

    def __exit__(self, *_: Any) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()


def _one_port(
    udp: type[socketserver.BaseRequestHandler], tcp: type[socketserver.BaseRequestHandler]
) -> tuple[socketserver.ThreadingUDPServer, socketserver.ThreadingTCPServer]:
    """Servers on the same free port. What is free for one of the two protocols may be taken for the other."""
    for _ in range(TRIES):
        talks = socketserver.ThreadingTCPServer(("127.0.0.1", 0), tcp)
        try:
            return socketserver.ThreadingUDPServer(talks.server_address, udp), talks
        except OSError:
            talks.server_close()
    raise OSError(f"no port was free for UDP and TCP in {TRIES} tries")


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
