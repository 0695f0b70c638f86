"""Whom the control plane believes, and which cookies it sends where."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from webstreet.contract.environment import SettingInvalid
from webstreet.contract.proxies import parse_networks
from webstreet.control.proxies import VARIABLE, believe
from webstreet.control.start import operator as make_operator

OURS = parse_networks("10.0.0.0/8, ::1")


@pytest.mark.parametrize(
    ("peer", "said", "believed"),
    [
        ("192.0.2.7", "203.0.113.9", "192.0.2.7"),
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "1.2.3.4, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "1.2.3.4, invented", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
        ("10.0.0.1", "[2001:db8::1]:4711, ::ffff:10.0.0.2", "2001:db8::1"),
        ("", "203.0.113.9", ""),
    ],
)
def test_only_our_proxies_are_believed(peer: str, said: str, believed: str) -> None:
    meta = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": said, "HTTP_X_FORWARDED_PROTO": "https"}
    believe(meta, OURS)
    assert meta["REMOTE_ADDR"] == believed
    assert ("HTTP_X_FORWARDED_PROTO" in meta) == (peer not in ("192.0.2.7", ""))


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(SettingInvalid, match="WEBSTREET_TRUSTED_PROXIES"):
        parse_networks("10.0.0.0/8, proxy.example", variable=VARIABLE)


def test_a_wrong_key_is_counted_for_the_one_behind_the_proxy(db: None, settings: Any) -> None:
    settings.TRUSTED_PROXIES = parse_networks("127.0.0.1")

    def guess(address: str, n: int) -> int:
        headers = {"Authorization": f"Bearer wrong-key-{n}-padded", "X-Forwarded-For": address}
        return Browser().get("/api/v1/clients", headers=headers).status_code

    assert {guess("203.0.113.9", n) for n in range(100)} == {401}
    assert guess("203.0.113.9", 100) == 429
    assert guess("203.0.113.10", 100) == 401


@pytest.mark.parametrize(
    ("host", "proto", "trusted", "secure"),
    [
        ("127.0.0.1:8000", "", "127.0.0.1", False),
        ("127.0.0.1:8000", "https", "127.0.0.1", True),
        ("127.0.0.1:8000", "https", "", False),
        ("console.example", "", "", True),
    ],
)
def test_cookies_of_tls_are_secure(db: None, settings: Any, host: str, proto: str, trusted: str, secure: bool) -> None:
    settings.EXTRA_HOSTS, settings.ALLOWED_HOSTS = ["console.example"], ["*"]
    settings.TRUSTED_PROXIES = parse_networks(trusted)
    headers = {"Host": host} | ({"X-Forwarded-Proto": proto} if proto else {})
    browser = Browser()
    browser.force_login(make_operator())
    answer = browser.get("/console/clients/client/add/", headers=headers)
    assert answer.status_code == 200
    assert answer.cookies
    assert {bool(cookie["secure"]) for cookie in answer.cookies.values()} == {secure}
