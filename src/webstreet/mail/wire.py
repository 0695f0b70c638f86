"""`Wire`: the bytes of one SMTP connection. Cuts what comes in into replies, and knows what went out.

An asyncio protocol, not streams: a reply costs one method call and no task. Who listens changes during a connection: first the
coroutine that opens it (`ask`), then `webstreet.mail.exchange.Exchange`.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from typing import Protocol

from webstreet.mail.reply import Reply

REPLY_MAX = 8192
"""Octets of one reply line that we are ready to read; RFC 5321 says 512."""
LINES_MAX = 100


class Listener(Protocol):
    """Whoever a server's replies are for."""

    def replied(self, raw: bytes) -> None:
        """One whole reply without its last line end. Its first three octets are digits."""

    def replied_at_once(self, buffer: memoryview, size: int) -> int:
        """What came in one read: all of it is in the first ``size`` octets of ``buffer``, and no reply began before it.

        Returns how many replies it took; 0: none, it wants them one by one.
        """

    def closed(self) -> None:
        """Nothing comes any more: the server closed, the connection broke, or what came was not SMTP. May be called twice."""


class Asking:
    """A listener that waits for one reply at a time; what comes unasked waits too."""

    def __init__(self) -> None:
        self._replies: deque[bytes] = deque()
        self._closed = False
        self._waiter: asyncio.Future[None] | None = None

    @property
    def is_quiet(self) -> bool:
        """Nothing was said that nobody asked for."""
        return not self._replies

    def replied(self, raw: bytes) -> None:
        self._replies.append(raw)
        self._wake()

    def replied_at_once(self, buffer: memoryview, size: int) -> int:
        return 0

    def closed(self) -> None:
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def reply(self) -> Reply:
        """The next reply.

        Raises:
            EOFError: there will be none.
        """
        while not self._replies:
            if self._closed:
                raise EOFError
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return Reply.parse(self._replies.popleft())


class Wire(asyncio.BufferedProtocol):
    """One connection. Everything is called on its event loop.

    It reads into a buffer of its own: for each reply of some octets asyncio would else make room for 256 kB.

    Attributes:
        heard: signs of life of the server: connecting, and each whole reply. ``heard_at``: ``time.monotonic()`` of the last.
        paused: some of what was written is still with us; false: the system has taken it all.
        is_exact: ``paused`` is known exactly. Not so under TLS, which has buffers of its own.
    """

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.heard = 0
        self.heard_at = 0.0
        self.paused = False
        self.is_exact = True
        self._transport: asyncio.Transport | None = None
        self._buffer = memoryview(bytearray(REPLY_MAX))
        self._rest = b""
        self._lines: list[bytes] = []
        self._ended = False

    # -- What asyncio calls ------------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 for the type checker
        self._take(transport)
        self.heard += 1

    def _take(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.is_exact = transport.get_extra_info("sslcontext") is None
        transport.set_write_buffer_limits(high=0)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if not (self._rest or self._lines or self._ended):
            count = self.listener.replied_at_once(self._buffer, nbytes)
            if count:
                self.heard += count
                self.heard_at = time.monotonic()
                return
        self._cut(self._buffer[:nbytes].tobytes())

    def _cut(self, data: bytes) -> None:
        lines = (self._rest + data if self._rest else data).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > REPLY_MAX:
            self._end(broken=True)
            return
        heard = self.heard
        for line in lines:
            if self._ended:
                return
            # Nearly always a reply of one line.
            if line[3:4] == b" " and not self._lines and line[:3].isdigit() and len(line) <= REPLY_MAX:
                self.heard += 1
                self.listener.replied(line)
            else:
                self._line(line)
        if self.heard > heard:
            self.heard_at = time.monotonic()

    def _line(self, line: bytes) -> None:
        if len(line) < 3 or not line[:3].isdigit() or len(line) > REPLY_MAX or len(self._lines) > LINES_MAX:
            self._end(broken=True)
            return
        if line[3:4] == b"-":
            self._lines.append(line)
            return
        if self._lines:
            line = b"\n".join((*self._lines, line))
            self._lines.clear()
        self.heard += 1
        self.listener.replied(line)

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False

    def eof_received(self) -> None:
        self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()

    def _end(self, *, broken: bool = False) -> None:
        """``broken``: not SMTP; nothing that comes after it is believed."""
        if self._ended:
            return
        self._ended = True
        self.listener.closed()
        if broken:
            self.abort()

    # -- What we do --------------------------------------------------------------------------------------------------
    @property
    def is_open(self) -> bool:
        return not self._ended and self._transport is not None and not self._transport.is_closing()

    @property
    def unsent_bytes(self) -> int:
        """Of what was written, what the system has not taken yet (without TLS)."""
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    def write(self, data: bytes) -> bool:
        """False: nothing of ``data`` left, because the connection is closed."""
        transport = self._transport
        if self._ended or transport is None or transport.is_closing():
            return False
        transport.write(data)
        return not transport.is_closing()

    async def protect(self, context: ssl.SSLContext, host: str) -> None:
        """Go on with TLS.

        Raises:
            ssl.SSLError, OSError, EOFError: no TLS came about.
        """
        if not self.is_open or self._transport is None:
            raise EOFError
        if self._rest or self._lines:  # Said in plain text, it would be taken for protected (CVE-2011-0411).
            raise ssl.SSLError("text after the reply to STARTTLS")
        loop = asyncio.get_running_loop()
        transport = await loop.start_tls(self._transport, self, context, server_hostname=host)
        if transport is None:
            raise EOFError
        self._take(transport)

    def close(self) -> None:
        """Close; what was written still goes out."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once: of what was written nothing more goes out."""
        if self._transport is not None:
            self._transport.abort()
