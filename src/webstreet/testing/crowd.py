"""Many visitors of one site at once, of every kind that a replacement of its processes could hurt, and an account of who was lost.

    with Crowd(port) as crowd:
        ...                      # replace what serves
        crowd.wait_for(10_000)
    assert crowd.lost == []

A request is *lost* when it fails on a new connection, or once more after one retry when the connection had been used before: a server may
close an idle connection at any time (RFC 9112, 9.3.1), and every browser asks again. A status of 500 or more, or an answer that is
shorter than it says, is lost too.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from types import TracebackType

from webstreet.contract.health import FACTS_PATH

KINDS = ("kept", "fresh", "kept", "fresh", "kept", "fresh", "sending slowly", "reading slowly", "hesitating")
"""What each client does, in turn: keeps its connection, opens one for each request, ..."""
TIMEOUT_S = 60.0
KEPT_REQUESTS = 40
"""After so many requests a client that keeps its connection opens a new one."""
PIECES, PIECE_S = 8, 0.15
READ_BUFFER = 4096
HESITATION_S = 0.3


@dataclass(frozen=True, slots=True)
class Look:
    """What one answer of ``/-/facts`` said; ``began``: when it was asked (monotonic). ``connection`` numbers the connections."""

    began: float
    connection: int
    generation: int
    release: str
    manifest_digest: str


class Crowd:
    """``clients`` threads that ask ``127.0.0.1:port`` until the end of the ``with`` block.

    Args:
        pages: what is read, beside ``/-/facts``. long: what the slow readers read: the larger the better.
        form: what the slow senders post to; any answer below 500 is good.
        host: the name the site is asked by; else its address.

    Attributes:
        answers: whole ones. retried: requests that a reused connection cost one retry. lost: a text each.
        looks: every answer of ``/-/facts``, in the order they came.
    """

    def __init__(
        self,
        port: int,
        *,
        clients: int = 32,
        pages: tuple[str, ...] = ("/",),
        long: str = "/",
        form: str = "/",
        host: str = "",
    ) -> None:
        self.answers = self.retried = 0
        self.lost: list[str] = []
        self.looks: list[Look] = []
        self._port = port
        self._host = host or f"127.0.0.1:{port}"
        self._pages, self._long, self._form = pages, long, form
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._connections = itertools.count()
        kinds = itertools.islice(itertools.cycle(KINDS), clients)
        self._threads = [threading.Thread(target=self._visit, args=(kind,), name=f"crowd: {kind}") for kind in kinds]

    def __enter__(self) -> Crowd:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, count: int, *, timeout_s: float = 300.0) -> None:
        """Wait until ``count`` requests were answered; raises AssertionError with how many were."""
        with self._changed:
            enough = self._changed.wait_for(lambda: self.answers >= count, timeout_s)
        if not enough:
            raise AssertionError(f"{self.answers} of {count} requests were answered in {timeout_s:.0f} s")

    def went_back(self) -> list[tuple[Look, Look]]:
        """Pairs of answers on one connection of which the second was older than the first."""
        newest: dict[int, Look] = {}
        found = []
        for look in list(self.looks):
            before = newest.setdefault(look.connection, look)
            if look.generation < before.generation:
                found.append((before, look))
            newest[look.connection] = look
        return found

    # What a client does

    def _visit(self, kind: str) -> None:
        work = {"sending slowly": self._send_slowly, "reading slowly": self._read_slowly, "hesitating": self._hesitate}
        while not self._stop.is_set():
            if kind in work:
                self._alone(kind, work[kind])
            elif kind == "fresh":
                for path in self._paths():
                    self._alone(kind, partial(self._get_alone, path))
            else:
                self._keep()

    def _paths(self) -> Iterator[str]:
        for page in self._pages:
            yield FACTS_PATH
            yield page

    def _alone(self, kind: str, ask: Callable[[], None]) -> None:
        """One request on a connection of its own: whatever goes wrong, it is lost."""
        if self._stop.is_set():
            return
        try:
            ask()
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._note_lost(f"{kind}: {error!r}")

    def _keep(self) -> None:
        """Requests one after another on one connection, as long as the server keeps it open."""
        paths = itertools.islice(itertools.cycle(self._paths()), KEPT_REQUESTS)
        connection, number, used = self._connection(), next(self._connections), False
        try:
            for path in paths:
                if self._stop.is_set():
                    return
                try:
                    self._get(connection, path, number)
                    used = connection.sock is not None
                    number = number if used else next(self._connections)
                except (OSError, http.client.HTTPException, ValueError) as error:
                    if not used or isinstance(error, Refused):
                        self._note_lost(f"kept: {error!r}")
                        return
                    with self._changed:
                        self.retried += 1
                    self._alone("kept, again", partial(self._get_alone, path))
                    return
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_S)

    def _get_alone(self, path: str) -> None:
        with contextlib.closing(self._connection()) as connection:
            self._get(connection, path, next(self._connections), close=True)

    def _get(self, connection: http.client.HTTPConnection, path: str, number: int, *, close: bool = False) -> None:
        began = time.monotonic()
        headers = {"Host": self._host} | ({"Connection": "close"} if close else {})
        connection.request("GET", path, headers=headers)
        body = _whole(connection.getresponse())
        facts = json.loads(body) if path == FACTS_PATH else None
        with self._changed:
            if facts:
                told = (facts["generation"], facts["release"], facts["manifest_digest"])
                self.looks.append(Look(began, number, *told))
            self.answers += 1
            self._changed.notify_all()

    def _hesitate(self) -> None:
        """Connected and accepted, but not heard yet."""
        with contextlib.closing(self._connection()) as connection:
            connection.connect()
            self._stop.wait(HESITATION_S)
            self._get(connection, self._pages[0], next(self._connections), close=True)

    def _send_slowly(self) -> None:
        """A form that arrives in pieces."""
        body = b"x" * 1024 * PIECES
        with contextlib.closing(self._connection()) as connection:
            connection.putrequest("POST", self._form, skip_host=True)
            for name, value in (("Host", self._host), ("Content-Type", "text/plain"), ("Connection", "close")):
                connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders()
            for at in range(0, len(body), 1024):
                connection.send(body[at : at + 1024])
                time.sleep(PIECE_S)
            self._note_answer(connection.getresponse())

    def _read_slowly(self) -> None:
        """A long answer that is taken in small pieces, through a small window, so that it is in flight for a while."""
        with contextlib.closing(self._connection()) as connection, socket.socket() as narrow:
            narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, READ_BUFFER)
            narrow.settimeout(TIMEOUT_S)
            narrow.connect(("127.0.0.1", self._port))
            connection.sock = narrow
            connection.request("GET", self._long, headers={"Host": self._host, "Connection": "close"})
            self._note_answer(connection.getresponse(), slowly=True)

    def _note_answer(self, response: http.client.HTTPResponse, *, slowly: bool = False) -> None:
        _whole(response, slowly=slowly)
        with self._changed:
            self.answers += 1
            self._changed.notify_all()

    def _note_lost(self, what: str) -> None:
        with self._changed:
            self.lost.append(what)


class Refused(http.client.HTTPException):
    """An answer that no visitor should have got."""


def _whole(response: http.client.HTTPResponse, *, slowly: bool = False) -> bytes:
    """The body of a good answer, to its last byte.

    Raises:
        Refused: a status of 500 or more. http.client.IncompleteRead: it ended too early.
    """
    if response.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Refused(f"status {response.status}")
    if not slowly:
        return response.read()
    said = response.length or 0
    pieces = []
    while piece := response.read1(max(said // 20, READ_BUFFER)):
        pieces.append(piece)
        time.sleep(PIECE_S / 2)
    body = b"".join(pieces)
    if len(body) < said:
        raise http.client.IncompleteRead(body, said - len(body))
    return body
