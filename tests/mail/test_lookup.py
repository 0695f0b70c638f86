"""Looking up TXT and MX records, asked of a real DNS server: what there is, what there is not, and that nobody answered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from webstreet.mail import lookup
from webstreet.mail.errors import NameServerInvalid
from webstreet.mail.lookup import Answer, Lookup
from webstreet.testing.dns import DnsServer

LONG = "v=DKIM1; k=rsa; p=" + "A" * 1500


@pytest.fixture
def dns() -> Iterator[DnsServer]:
    with DnsServer() as server:
        yield server


def test_what_a_name_has(dns: DnsServer) -> None:
    dns.records["example.org"] = ["v=spf1 -all", 'a "quoted" text', "été"]
    found = Lookup([dns.address]).texts("example.org")
    assert found == Answer("found", ('a "quoted" text', "v=spf1 -all", "été"))


def test_a_record_too_long_for_a_datagram_is_asked_for_by_tcp_and_put_together(dns: DnsServer) -> None:
    dns.records["k._domainkey.example.org"] = [LONG]
    assert Lookup([dns.address]).texts("k._domainkey.example.org").texts == (LONG,)
    assert len(dns.asked) == 2


def test_mail_servers_by_preference(dns: DnsServer) -> None:
    dns.mail_servers = {"example.org": ["MX.example.org", "backup.example.net"]}
    dns.aliases["www.example.org"] = "example.org"
    assert Lookup([dns.address]).mail_servers("example.org") == Answer(
        "found", ("mx.example.org", "backup.example.net")
    )
    assert Lookup([dns.address]).mail_servers("www.example.org").texts == ("mx.example.org", "backup.example.net")
    assert Lookup([dns.address]).mail_servers("nowhere.example") == Answer("none")
    assert Lookup([dns.address]).texts("example.org") == Answer("none"), "there is no TXT record"


def test_an_alias_is_followed(dns: DnsServer) -> None:
    dns.aliases["k._domainkey.example.org"] = "k.provider.example"
    dns.records["k.provider.example"] = ["v=DKIM1; p=x"]
    assert Lookup([dns.address]).texts("k._domainkey.example.org").texts == ("v=DKIM1; p=x",)


@pytest.mark.parametrize(
    ("said", "kind"), [(None, "none"), ("other", "none"), ("servfail", "silent"), ("silent", "silent")]
)
def test_nothing_there_is_not_nobody_answered(
    dns: DnsServer, said: object, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "ONE_S", 0.3)
    if said:
        dns.records["example.org"] = said  # type: ignore[assignment]
    assert Lookup([dns.address]).texts("example.org") == Answer(kind)  # type: ignore[arg-type]


def test_a_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "ONE_S", 0.3)
    with DnsServer() as gone:
        address = gone.address
    assert Lookup([address]).texts("example.org") == Answer("silent")


def test_all_look_ups_together_have_an_end(dns: DnsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    dns.records["example.org"] = ["x"]
    monkeypatch.setattr(lookup, "ALL_S", 0.0)
    assert Lookup([dns.address]).texts("example.org") == Answer("silent")
    assert dns.asked == []


def test_the_next_server_is_asked_when_one_fails(dns: DnsServer) -> None:
    dns.records["example.org"] = ["x"]
    with DnsServer({"example.org": "servfail"}) as broken:
        assert Lookup([broken.address, dns.address]).texts("example.org").texts == ("x",)


@pytest.mark.parametrize("text", ["9.9.9.9", "127.0.0.1:5353", "2620:fe::fe", "[2620:fe::fe]:53", "[2620:fe::fe]"])
def test_addresses_of_servers(text: str) -> None:
    Lookup([text])


@pytest.mark.parametrize("text", ["", "dns.example.org", "9.9.9.9:x", "9.9.9"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(NameServerInvalid) as refused:
        Lookup([text])
    assert refused.value.error_code == "dns.server_invalid"
