"""What every answer of a real site tells browsers, behind a proxy that speaks TLS and is trusted, and behind one that only says so."""

from __future__ import annotations

import http.client
import re
import socket
from collections.abc import Callable
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest

from tests.engine.conftest import SiteProcesses, until

PUBLIC = "blog.example.com"
PAGES = [
    "/", "/fr/", "/nothing/", "/search/?q=sea", "/sitemap.xml", "/robots.txt", "/feed/", "/admin/login/", "/admin/",
    "/-/login/unknown/", "/newsletter/", "/api/nothing/", "/media/nothing.jpg", "/documents/1/a.txt",
    "/static/wagtailadmin/css/core.css", "/static/logins/logins.js",
]  # fmt: skip


class Inline(HTMLParser):
    """Finds what a strict policy would stop: scripts and styles inside a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        data = given.get("type") in ("application/json", "application/ld+json", "speculationrules")
        if tag == "style" or (tag == "script" and "src" not in given and not data):
            self.found.append(f"<{tag}>")
        self.found += [f"{tag} {name}" for name in given if name.startswith("on") or name == "style"]
        self.found += [
            f"{tag} {n}" for n, v in attrs if n in ("href", "src", "action") and (v or "").startswith("javascript:")
        ]


class Site:
    def __init__(self, port: int) -> None:
        self.port = port

    def get(self, path: str, **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", path, headers={"Host": PUBLIC} | {k.replace("_", "-"): v for k, v in headers.items()})
        answer = connection.getresponse()
        answer.text = answer.read().decode("utf-8", "replace")  # type: ignore[attr-defined]
        connection.close()
        return answer


def running(make: Callable[..., SiteProcesses], trusted: str) -> Site:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    site = make(BASE_URL=f"https://{PUBLIC}", TRUSTED_PROXIES=trusted)
    site.documents("prepare")
    site.start("serve", "--port", str(port))
    found = Site(port)

    def answers() -> bool:
        try:
            return found.get("/-/live").status == 200
        except OSError:
            return False

    until(answers, what="the site's start")
    return found


@pytest.fixture(scope="module")
def site(shared_sites: Callable[..., SiteProcesses]) -> Site:
    return running(shared_sites, "127.0.0.1")


@pytest.mark.parametrize("path", PAGES)
def test_every_kind_of_answer_behind_a_trusted_proxy(site: Site, path: str) -> None:
    answer = site.get(path, X_Forwarded_Proto="https", X_Forwarded_For="203.0.113.9")
    assert answer.status in (200, 302, 404, 410), answer.status
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Resource-Policy"] == (
        "cross-origin" if path.startswith(("/media/", "/static/")) else "same-origin"
    )
    assert "camera=()" in answer.headers["Permissions-Policy"]
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy or "default-src 'none'" in policy
    assert ("unsafe" in policy) is (path == "/admin/")
    for cookie in answer.headers.get_all("Set-Cookie") or []:
        assert cookie.startswith("__Host-")
        assert "; Secure" in cookie
        assert "SameSite=Lax" in cookie
    text = answer.text  # type: ignore[attr-defined]
    assert not re.findall(rf"http://{PUBLIC}|http://127\.0\.0\.1|http://localhost", text), (
        "no address of the site without TLS"
    )
    assert urlsplit(answer.headers.get("Location", "https://")).scheme in ("https", "")
    if "text/html" in answer.headers["Content-Type"]:
        inline = Inline()
        inline.feed(text)
        assert inline.found == []


def test_a_page_from_the_cache_says_the_same(site: Site) -> None:
    first, second = (site.get("/", X_Forwarded_Proto="https") for _ in range(2))
    wanted = ("Strict-Transport-Security", "Content-Security-Policy", "Permissions-Policy", "X-Content-Type-Options")
    assert [first.headers[n] for n in wanted] == [second.headers[n] for n in wanted]
    assert None not in [second.headers[n] for n in wanted]
    assert "Set-Cookie" not in second.headers


def test_session_cookies_are_not_for_scripts(site: Site) -> None:
    answer = site.get("/admin/login/", X_Forwarded_Proto="https")
    for cookie in answer.headers.get_all("Set-Cookie") or []:
        assert "session" not in cookie or "HttpOnly" in cookie


@pytest.mark.parametrize(
    "host", ["evil.example", "blog.example.com.evil.example", "blog.example.com:80@evil.example", "", "a/b"]
)
def test_a_foreign_host_is_refused(site: Site, host: str) -> None:
    answer = site.get("/admin/login/", Host=host, X_Forwarded_Proto="https")
    assert answer.status in (400, 404)
    assert "evil.example" not in answer.text  # type: ignore[attr-defined]


def test_forwarded_hosts_are_believed_of_nobody(site: Site) -> None:
    answer = site.get("/admin/", X_Forwarded_Host="evil.example", X_Forwarded_Proto="https")
    assert "evil.example" not in answer.headers["Location"]


def test_who_is_no_trusted_proxy_claims_in_vain(shared_sites: Callable[..., SiteProcesses]) -> None:
    site = running(shared_sites, "192.0.2.0/24")
    for path in ("/", "/admin/login/"):
        answer = site.get(path, X_Forwarded_Proto="https", X_Forwarded_For="203.0.113.9")
        assert "Strict-Transport-Security" not in answer.headers
