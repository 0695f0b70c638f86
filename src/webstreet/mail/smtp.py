"""`SmtpTransport`: a pool of persistent SMTP connections."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import deque
from collections.abc import Sequence

from webstreet.mail.connection import ClosedAfterContent, SmtpConnection
from webstreet.mail.errors import MailServerAway, SenderRefused
from webstreet.mail.pump import Envelope, Outcome, Result, Trouble, trouble_of
from webstreet.mail.url import EmailUrl

IDLE_MAX_S = 20.0
"""A connection idle for longer is not used again: servers close them without a word."""


class SmtpTransport:
    """Sends batches over up to ``connections`` connections that stay open between batches.

    Belongs to one event loop. A message is tried again once, on a new connection, when the old one turned out to be closed before the
    content was complete; everything else is the outbox's decision.

    Args:
        per_connection: messages after which a connection is closed and opened anew (some providers demand 20).
        timeout_s: for each single step of the conversation.
    """

    def __init__(
        self,
        url: EmailUrl,
        *,
        connections: int = 4,
        per_connection: int = 500,
        timeout_s: float = 30.0,
        helo: str = "",
    ) -> None:
        self._url = url
        self._connections = connections
        self._per_connection = per_connection
        self._timeout_s = timeout_s
        self._helo = helo or _own_name()
        self._idle: list[SmtpConnection] = []

    async def send(self, batch: Sequence[Envelope], *, deadline: float) -> tuple[list[Result], Trouble | None]:
        """See `pump.Transport`. The first trouble stops every connection before its next message."""
        waiting = deque(batch)
        results: list[Result] = []
        troubles: list[Trouble] = []
        workers = [self._work(waiting, results, troubles, deadline) for _ in range(min(self._connections, len(batch)))]
        await asyncio.gather(*workers)
        results += [Result(envelope.key, Outcome.UNSENT) for envelope in waiting]
        pausing = next((t for t in troubles if t.pause), None)
        return results, pausing or (troubles[0] if troubles else None)

    async def _work(
        self, waiting: deque[Envelope], results: list[Result], troubles: list[Trouble], deadline: float
    ) -> None:
        connection: SmtpConnection | None = None
        while waiting and not troubles and time.monotonic() < deadline:
            envelope = waiting.popleft()
            try:
                connection, result = await self._one(connection, envelope)
                results.append(result)
            except ClosedAfterContent:
                connection = None
                results.append(Result(envelope.key, Outcome.UNCERTAIN, "closed"))
            except (MailServerAway, SenderRefused) as error:
                connection = None
                results.append(Result(envelope.key, Outcome.UNSENT, error.error_code))
                troubles.append(trouble_of(error))
        if connection is not None:
            connection.idle_since = time.monotonic()
            self._idle.append(connection)

    async def _one(self, connection: SmtpConnection | None, envelope: Envelope) -> tuple[SmtpConnection, Result]:
        fresh = False
        if connection is None or not connection.is_open or connection.used >= self._per_connection:
            connection, fresh = await self._connection(connection)
        try:
            return connection, await connection.transact(envelope)
        except MailServerAway:
            if fresh:
                raise
            connection = await self._open()
            return connection, await connection.transact(envelope)

    async def _connection(self, old: SmtpConnection | None) -> tuple[SmtpConnection, bool]:
        if old is not None:
            await old.quit()
        while self._idle:
            candidate = self._idle.pop()
            young = time.monotonic() - candidate.idle_since < IDLE_MAX_S
            if young and candidate.is_open and candidate.used < self._per_connection:
                return candidate, False
            await candidate.quit()
        return await self._open(), True

    async def _open(self) -> SmtpConnection:
        connection = SmtpConnection(self._url, helo=self._helo, timeout_s=self._timeout_s)
        await connection.open()
        return connection

    async def close(self) -> None:
        idle, self._idle = self._idle, []
        await asyncio.gather(*(connection.quit() for connection in idle))


def _own_name() -> str:
    name = socket.getfqdn()
    return name if "." in name and name.isascii() else "[127.0.0.1]"
