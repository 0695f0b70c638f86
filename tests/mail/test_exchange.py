"""However a server's replies are cut into reads, the same is said of each message and the same is written: a round that comes in one read
takes a way of its own (`Exchange.replied_at_once`), and one that comes octet by octet does not.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import pytest

from webstreet.mail.content import Pieces
from webstreet.mail.exchange import TOGETHER_MAX, End, Exchange
from webstreet.mail.features import Features
from webstreet.mail.pump import Envelope, Outcome, Result
from webstreet.mail.wire import REPLY_MAX, Asking, Wire

Cut = Callable[[bytes], Iterable[bytes]]
MODES = {
    "pipelining": Features(pipelining=True, eightbit=True, size=True),
    "chunking": Features(pipelining=True, chunking=True),
    "one by one": Features(),
}
ODD = {
    "refused": b"550 5.1.1 no\r\n",
    "deferred": b"451 4.2.0 later\r\n",
    "the sender refused": b"550 5.7.26 unauthenticated mail\r\n",
    "closing": b"421 4.3.2 closing\r\n",
    "two lines": b"250-5.0.0 one\r\n250 2.0.0 two\r\n",
    "two lines to DATA": b"354-one\r\n354 two\r\n",
    "no text": b"250\r\n",
    "no CR": b"250 2.0.0 ok\n",
    "a bare CR": b"250 2.0.0 o\rk\r\n",
    "outside ASCII": b"250 2.0.0 \xff\x00\r\n",
    "nothing": b"",
    "junk": b"what?\r\n",
    "two digits": b"25 ok\r\n",
    "another class": b"354 what\r\n",
    "one too many": b"250 ok\r\n250 more\r\n",
    "an empty line": b"\r\n",
    "one line more than a read": b"250 " + b"x" * REPLY_MAX + b"\r\n",
}
PATIENCE_S = 60
IN_FRONT = {"pipelining": 3, "chunking": 2, "one by one": 3}
"""Replies before the first content's. With that one come those to the commands behind it."""


@dataclass
class Seen:
    """All that can be seen of an exchange: by who gave the work, by the connection, by the server."""

    given: list[Result]
    doubted: list[Result]
    left: list[int]
    end: str
    behind: str
    counts: tuple[int, ...]
    heard: bytes


class Listed:
    """Work from a list, for whoever reads the clock right. ``until``: messages whose content may go out behind another's."""

    def __init__(self, batch: list[Envelope], until: int) -> None:
        self.waiting = deque(batch)
        self.until = until
        self.given: list[Result] = []
        self.doubted: list[Result] = []
        self.give = self.given.append
        self.doubt = self.doubted.append

    def take(self, start: float) -> Envelope | None:
        is_soon = abs(start - time.monotonic()) < PATIENCE_S
        return self.waiting.popleft() if self.waiting and is_soon else None

    def may_start(self, now: float, ahead: bool) -> bool:
        self.until -= ahead
        return self.until >= 0 and abs(now - time.monotonic()) < PATIENCE_S


class Counting(Exchange):
    """``cut``: replies that came one by one."""

    cut = 0

    def replied(self, raw: bytes) -> None:
        self.cut += 1
        super().replied(raw)


class Server:
    """The other end: answers all that it reads at once. ``odd``: other octets for the reply of that number."""

    def __init__(self, odd: dict[int, bytes]) -> None:
        self.odd = odd
        self.heard = b""
        self._left = b""
        self._numbers = itertools.count()
        self._inside = False

    def answer(self, data: bytes) -> bytes:
        self.heard += data
        *lines, self._left = (self._left + data).split(b"\r\n")
        return b"".join(map(self._reply, lines))

    def _reply(self, line: bytes) -> bytes:
        if self._inside and line != b".":
            return b""
        word = line.split(b" ")[0]
        if word not in (b"MAIL", b"RCPT", b"DATA", b"RSET", b".", b"BDAT"):
            return b""  # The content of a BDAT; nothing in it looks like a command.
        usual = b"354 go on\r\n" if word == b"DATA" else b"250 2.0.0 ok: " + word + b"\r\n"
        reply = self.odd.get(next(self._numbers), usual)
        self._inside = word == b"DATA" and reply.startswith(b"354")
        return reply


def whole(data: bytes) -> Iterable[bytes]:
    return (data,) if data else ()


def octets(data: bytes) -> Iterable[bytes]:
    return (data[i : i + 1] for i in range(len(data)))


def lines(data: bytes) -> Iterable[bytes]:
    return data.splitlines(keepends=True)


def halves(at: int) -> Cut:
    """Each answer in two reads, the first of ``at`` octets."""
    return lambda data: filter(None, (data[:at], data[at:]))


async def tell(theirs: socket.socket, data: bytes, ours: socket.socket) -> None:
    """Send it, and wait until it was read: what follows comes in another read."""
    with contextlib.suppress(OSError):
        theirs.sendall(data)
        while ours.fileno() >= 0 and ours.recv(1, socket.MSG_PEEK):
            await asyncio.sleep(0)


def read(theirs: socket.socket) -> bytes:
    with contextlib.suppress(OSError):
        return theirs.recv(1_000_000)
    return b""


async def converse(
    features: Features, odd: dict[int, bytes], cut: Cut, *, until: int = 99, size: int = 100
) -> tuple[Seen, Counting]:
    """An exchange of four messages."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    content = Pieces((b"Subject: x\r\n\r\n", b"y" * size + b"\r\n"))
    work = Listed([Envelope(i, "news@example.org", f"s{i}@example.org", content) for i in range(4)], until)
    server, wire = Server(odd), Wire(Asking())
    with theirs:
        await asyncio.get_running_loop().create_connection(lambda: wire, sock=ours)
        exchange = Counting(wire, features, work, name="it", timeout_s=PATIENCE_S, final_s=PATIENCE_S, most=99)
        running = asyncio.ensure_future(exchange.run())
        while not running.done():
            await asyncio.sleep(0)
            asked = read(theirs)
            if not asked:  # Each waits for the other, or it is over.
                with contextlib.suppress(OSError):
                    theirs.shutdown(socket.SHUT_RDWR)
            for piece in cut(server.answer(asked)):
                await tell(theirs, piece, ours)
        wire.abort()
    end = running.result()
    whole = end.error is None and end.uncertain is None
    counts = (exchange.taken, exchange.answered, exchange.carried, wire.heard if whole else 0)
    seen = Seen(
        work.given,
        work.doubted,
        [e.key for e in work.waiting],
        described(end),
        repr(exchange.behind),
        counts,
        server.heard,
    )
    return seen, exchange


def described(end: End) -> str:
    return repr(replace(end, error=None)) + (f"{end.error!r} {vars(end.error)}" if end.error else "")


def seen(mode: str, odd: dict[int, bytes], *cuts: Cut, **options: int) -> list[Seen]:
    async def each() -> list[Seen]:
        return [(await converse(MODES[mode], odd, cut, **options))[0] for cut in cuts]

    return asyncio.run(each())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("position", range(4))
@pytest.mark.parametrize("name", ODD)
def test_reads_make_no_difference(mode: str, position: int, name: str) -> None:
    """Of the replies that come together one is odd: that to the content, or to MAIL, RCPT or DATA behind it."""
    odd = {IN_FRONT[mode] + position: ODD[name]}
    expected, *found = seen(mode, odd, octets, whole, lines)
    assert found == [expected] * len(found)


@pytest.mark.parametrize("mode", ["pipelining", "chunking"])
@pytest.mark.parametrize("position", [None, 0, 1, 2, 3])
def test_wherever_a_read_ends_it_makes_no_difference(mode: str, position: int | None) -> None:
    for name in ("refused", "closing", "two lines", "junk") if position is not None else ("",):
        odd = {IN_FRONT[mode] + position: ODD[name]} if position is not None else {}
        expected, *found = seen(mode, odd, octets, *map(halves, range(1, 100)))
        assert found == [expected] * len(found), name
        assert odd or [result.outcome for result in expected.given] == [Outcome.SENT] * 4


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [100, TOGETHER_MAX])
@pytest.mark.parametrize("until", range(4))
def test_reads_make_no_difference_when_time_is_up(mode: str, until: int, size: int) -> None:
    expected, *found = seen(mode, {}, octets, whole, lines, until=until, size=size)
    assert found == [expected] * len(found)
    assert len(expected.given) >= 1


@pytest.mark.parametrize("mode", ["pipelining", "chunking"])
def test_a_round_that_comes_in_one_read_is_not_cut(mode: str) -> None:
    """Else the tests above compared one way with itself."""
    for cut, count in (whole, IN_FRONT[mode] + 1), (lines, 4 * (IN_FRONT[mode] + 1)):
        found, exchange = asyncio.run(converse(MODES[mode], {}, cut))
        assert [result.outcome for result in found.given] == [Outcome.SENT] * 4
        assert exchange.cut == count, "the first commands, and the last content"
