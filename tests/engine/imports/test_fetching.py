"""Fetching refuses what is not public, also behind a redirect, and what is too much; against a real server."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest

from tests.engine.imports.conftest import Quiet, served
from webstreet.engine.imports import fetching
from webstreet.engine.imports.fetching import Budget, FetchRefused, FetchSpent, Limits, fetch, is_public

PICTURE = b"\xff\xd8" + b"x" * 1000


class _Answers(Quiet):
    def do_GET(self) -> None:
        kind, length, body, status = "image/jpeg", len(PICTURE), PICTURE, 200
        if self.path == "/page":
            kind = "text/html"
        elif self.path == "/cut":
            length += 10
        elif self.path == "/gone":
            status = 404
        elif self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
            return
        elif self.path == "/slow/head":
            self._drip(b"HTTP/1.0 200 OK\r\nX-Long: ")
            return
        elif self.path == "/slow/body":
            self._drip(b"HTTP/1.0 200 OK\r\nContent-Type: image/jpeg\r\n\r\n")
            return
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if self.path != "/endless":
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)
        if self.path == "/endless":
            self.wfile.write(body * 100)

    def _drip(self, begin: bytes) -> None:
        """A byte now and then, each before anybody loses patience with the one before."""
        with contextlib.suppress(OSError):
            self.wfile.write(begin)
            for _ in range(100):
                self.wfile.write(b"x")
                time.sleep(0.1)


@pytest.fixture
def server() -> Iterator[str]:
    with served(_Answers) as address:
        yield address


def anything(address: str, port: int) -> bool:
    return True


def test_what_is_allowed_is_fetched(server):
    assert fetch(f"{server}/a.jpg", allowed=anything) == PICTURE
    assert fetch(f"{server}/to/{server}/a.jpg", allowed=anything) == PICTURE


@pytest.mark.parametrize(
    "path", ["page", "cut", "gone", "endless", "to/file:///etc/passwd", "to/gopher://127.0.0.1/", "to/http://["]
)
def test_what_is_not_a_picture_is_refused(server, path):
    with pytest.raises(FetchRefused):
        fetch(f"{server}/{path}", Limits(most_bytes=5000), allowed=anything)


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_server_that_only_keeps_us_waiting_is_left(server, part):
    with pytest.raises(FetchRefused, match=r"takes too long|does not answer"):
        fetch(f"{server}/slow/{part}", Limits(timeout_s=1), allowed=anything)


@pytest.mark.parametrize(
    "budget",
    [
        Budget(most_files=2, allowed=anything),
        Budget(most_bytes=2 * len(PICTURE), allowed=anything),
        Budget(most_bytes=2 * len(PICTURE) + 5, allowed=anything),
    ],
)
def test_an_import_fetches_no_more_than_its_budget(server, budget):
    assert [budget.fetch(f"{server}/a.jpg") for _ in range(2)] == [PICTURE, PICTURE]
    with pytest.raises(FetchSpent, match="import the same again"):
        budget.fetch(f"{server}/a.jpg")
    assert (budget.files, budget.size_bytes) == (2, 2 * len(PICTURE))
    assert budget.told().startswith("Fetched from the old site: 2 files, 0.0 MB")


def test_an_import_waits_no_longer_than_its_budget(server):
    budget = Budget(most_s=0.5, allowed=anything)
    with pytest.raises(FetchSpent):
        budget.fetch(f"{server}/slow/body")
    with pytest.raises(FetchSpent):
        budget.fetch(f"{server}/a.jpg")
    assert budget.files == 0


def test_what_came_of_a_refused_answer_counts(server):
    budget = Budget(allowed=anything)
    with pytest.raises(FetchRefused, match="cut off"):
        budget.fetch(f"{server}/cut")
    assert (budget.files, budget.size_bytes) == (0, len(PICTURE))


def test_a_host_that_does_not_answer_is_left_alone(server):
    asked = []

    def allowed(address: str, port: int) -> bool:
        asked.append(port)
        return True

    budget = Budget(allowed=allowed)
    for _ in range(fetching.SILENCES_MAX):
        with pytest.raises(FetchRefused, match="does not answer"):
            budget.fetch("http://127.0.0.1:1/a.jpg")
    with pytest.raises(FetchRefused, match="not asked again"):
        budget.fetch("http://127.0.0.1:1/a.jpg")
    assert len(asked) == fetching.SILENCES_MAX
    with pytest.raises(FetchRefused, match="not asked again"):
        budget.fetch(f"{server}/a.jpg")  # the same host on another port
    with pytest.raises(FetchRefused, match="404"):
        budget.fetch(f"{server.replace('127.0.0.1', 'localhost')}/gone")


def test_redirects_end(server):
    url = server + "/a.jpg"
    for _ in range(6):
        url = f"{server}/to/{url}"
    with pytest.raises(FetchRefused, match="too often"):
        fetch(url, allowed=anything)


def test_a_redirect_is_looked_at_again(server):
    asked = []

    def only_first(address: str, port: int) -> bool:
        asked.append(address)
        return len(asked) == 1

    with pytest.raises(FetchRefused, match="not public"):
        fetch(f"{server}/to/{server}/a.jpg", allowed=only_first)
    assert len(asked) == 2


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/a.jpg", "http://localhost/a.jpg", "http://[::1]/", "http://10.0.0.1/", "http://192.168.1.1/", "http://169.254.169.254/",
        "http://[fe80::1]/", "http://[::ffff:127.0.0.1]/", "http://0.0.0.0/", "http://0x7f000001/", "http://2130706433/", "http://100.64.0.1/",
        "http://[fc00::1]/", "http://[fec0::1]/", "http://[64:ff9b::7f00:1]/", "http://[64:ff9b::a9fe:a9fe]/", "http://[64:ff9b:1::1]/",
        "http://[::127.0.0.1]/", "http://[2002:7f00:1::]/", "http://224.0.0.1/",
        "http://8.8.8.8:22/", "ftp://8.8.8.8/", "http://user@8.8.8.8/", "http://", "http://[", "file:///etc/passwd",
    ],
)  # fmt: skip
def test_nothing_private_is_ever_asked(url, monkeypatch):
    import socket

    monkeypatch.setattr(socket, "create_connection", lambda *a, **k: pytest.fail("it connected"))
    with pytest.raises(FetchRefused):
        fetch(url)


def test_public_addresses_are_public():
    assert is_public("93.184.215.14", 443)
    assert is_public("2606:2800:21f:cb07:6820:80da:af6b:8b2c", 80)
    assert is_public("64:ff9b::5db8:d70e", 443), "93.184.215.14 behind a translator"
