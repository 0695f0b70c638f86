"""Between a site and a client's own database every byte is lost from one moment on, and nobody says that a connection has ended."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit, urlunsplit

import pytest

from tests.faults.servers import Server
from tests.faults.site import HOME, MADE_ANEW, Site, until
from webstreet.testing.smtp import RecordingSmtpServer

WAITED_S = 60.0

pytestmark = pytest.mark.timeout(900)


class Way:
    """Carries bytes between whoever connects to ``port`` and ``target``; while ``swallows``, they arrive nowhere."""

    def __init__(self, target: int) -> None:
        self.swallows = False
        self._target = target
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._watched = selectors.DefaultSelector()
        self._watched.register(self._listening, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._carry, daemon=True)

    def __enter__(self) -> Way:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._target = 0
        self._thread.join(10)
        for key in list(self._watched.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._watched.close()

    def _carry(self) -> None:
        while self._target:
            for key, _events in self._watched.select(timeout=0.1):
                if key.fileobj is self._listening:
                    self._join(self._listening.accept()[0])
                else:
                    self._pass_on(key.fileobj, key.data)  # type: ignore[arg-type]

    def _join(self, near: socket.socket) -> None:
        far = socket.create_connection(("127.0.0.1", self._target))
        self._watched.register(near, selectors.EVENT_READ, far)
        self._watched.register(far, selectors.EVENT_READ, near)

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        data = b""
        with contextlib.suppress(OSError):
            data = one.recv(65536)
            if data and not self.swallows:
                other.sendall(data)
        if not data:
            for end in (one, other):
                with contextlib.suppress(KeyError, ValueError):
                    self._watched.unregister(end)
                end.close()


@pytest.fixture
def way(own_database: Server) -> Iterator[Way]:
    with Way(own_database.port) as found:
        yield found


@pytest.mark.requirement("H4")
def test_a_way_that_swallows_everything_costs_only_its_own_pages(
    site_of: Callable[..., Site], own_database: Server, way: Way, smtp: RecordingSmtpServer
) -> None:
    parts = urlsplit(own_database.lab.database("swallowed"))
    there = parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{way.port}")
    site = site_of(EMAIL_URL=smtp.url, NEWSLETTER_DATABASE_URL=urlunsplit(there))
    web, worker = site.open()
    assert site.sign_up(1).status == 200
    until(lambda: smtp.to("reader1@example.org"), what=site.log)
    way.swallows = True
    lost = site.sign_up(2)
    assert lost.status == 503, lost
    assert int(lost.headers["retry-after"]) > 0
    assert [site.get(path, timeout_s=WAITED_S).status for path in (HOME, MADE_ANEW)] == [200, 200]
    assert "does not answer" in site.note("newsletter database")
    way.swallows = False
    until(lambda: site.note("newsletter database") == "", what=lambda: str(site.ready()))
    until(lambda: site.sign_up(3).status == 200, what=site.log)
    until(lambda: smtp.to("reader3@example.org"), what=site.log)
    assert web.poll() is worker.poll() is None
