"""`SmtpTransport`: a pool of persistent SMTP connections."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from webstreet.mail.connection import SmtpConnection
from webstreet.mail.errors import MailServerAway, SenderRefused
from webstreet.mail.exchange import End
from webstreet.mail.pump import Envelope, Outcome, Result, Trouble, trouble_of
from webstreet.mail.url import EmailUrl

IDLE_MAX_S = 20.0
"""A connection idle for longer is not used again: servers close them without a word."""
GRACE_S = 5.0
"""What a message in flight may take beyond the deadline: cutting it off after its content makes it uncertain."""
PATIENCE_S = 0.5
"""A server that gave no sign of life for so long while we waited for a connection is away."""
OPENING_MAX_S = 60.0
AWAY_S = 3.0
"""Nobody waits again so soon for a server that did not answer: many who ask take no longer than one."""


class StillOpening(Exception):
    """The server answers, but the deadline came before the connection was ready."""


@dataclass(slots=True)
class _Opening:
    """A connection on its way. It goes on while the loop runs: what the server says in between lies in the socket."""

    connection: SmtpConnection
    task: asyncio.Task[None]
    started: float
    silent_s: float = 0.0

    @property
    def is_usable(self) -> bool:
        return time.monotonic() - self.started < OPENING_MAX_S and not (self.task.done() and self._failed)

    @property
    def _failed(self) -> bool:
        return self.task.cancelled() or self.task.exception() is not None


class _Sending:
    """One call of `SmtpTransport.send`, shared by its connections; an `webstreet.mail.exchange.Work`."""

    def __init__(self, batch: Sequence[Envelope], deadline: float) -> None:
        self.waiting = deque(batch)
        self.results: list[Result] = []
        self.troubles: list[Trouble] = []
        self.deadline = deadline
        self.give = self.results.append

    def take(self, ahead_s: float) -> Envelope | None:
        if not self.waiting or self.troubles or time.monotonic() + ahead_s >= self.deadline:
            return None
        return self.waiting.popleft()

    def may_start(self) -> bool:
        return not self.troubles and time.monotonic() < self.deadline

    def fail(self, error: MailServerAway | SenderRefused, culprit: Envelope | None = None) -> None:
        """Stop everything. A message that nobody took yet stands for the trouble when there is no ``culprit``."""
        if culprit is None and self.waiting:
            culprit = self.waiting.popleft()
        if culprit is not None:
            self.give(Result(culprit.key, Outcome.UNSENT, error.error_code))
        self.troubles.append(trouble_of(error))

    def ended(self, end: End, connection: SmtpConnection) -> bool:
        """Take in how an exchange ended; true when the next connection must be a new one.

        A connection that worked before may have been closed for its age, so its message goes over another. That ends: it is a new one
        sooner or later, and that one is not proven.
        """
        self.waiting.extendleft(reversed(end.back))
        if end.uncertain is not None:
            self.give(Result(end.uncertain.key, Outcome.UNCERTAIN, "silent" if end.silent else "closed"))
            if (
                end.silent or not connection.has_carried
            ):  # Else every recipient would become uncertain, one after the other.
                self.troubles.append(Trouble(MailServerAway.code, pause=False))
        if end.error is None:
            return end.uncertain is not None
        if end.without_chunking and end.culprit is not None:
            self.waiting.appendleft(end.culprit)
        elif end.is_final:
            self.troubles.append(trouble_of(end.error))
        elif isinstance(end.error, SenderRefused) or end.silent or not connection.is_proven:
            self.fail(end.error, end.culprit)
        elif end.culprit is not None:
            self.waiting.appendleft(end.culprit)
        return True


class SmtpTransport:
    """Sends batches over up to ``connections`` connections that stay open between batches.

    Belongs to one event loop. A message goes over another connection when one that worked turned out to be closed before its content was
    complete; everything else is the outbox's decision.

    Opening a connection keeps the deadline of `send`, so that a silent server holds nobody up. What was begun is kept: a server that is
    slow to greet or far away is open after a few calls. A message in flight gets `GRACE_S` beyond the deadline.

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
        self._openings: list[_Opening] = []
        self._away: tuple[float, MailServerAway] | None = None
        self._chunking = True

    async def send(self, batch: Sequence[Envelope], *, deadline: float) -> tuple[list[Result], Trouble | None]:
        """See `pump.Transport`. The first trouble stops every connection before its next message."""
        sending = _Sending(batch, deadline)
        await asyncio.gather(*(self._work(sending) for _ in range(min(self._connections, len(batch)))))
        sending.results += [Result(envelope.key, Outcome.UNSENT) for envelope in sending.waiting]
        pausing = next((t for t in sending.troubles if t.pause), None)
        return sending.results, pausing or (sending.troubles[0] if sending.troubles else None)

    async def _work(self, sending: _Sending) -> None:
        """One connection's share of a batch; it is a new one each time the old one ends."""
        anew = False
        while sending.waiting and sending.may_start():
            try:
                connection = await self._connection(sending.deadline, anew=anew)
            except StillOpening:
                return
            except (MailServerAway, SenderRefused) as error:
                sending.fail(error)
                return
            if not sending.may_start():
                self._idle.append(connection)
                return
            most = self._per_connection - connection.used
            end = await connection.exchange(sending, until=sending.deadline + GRACE_S, most=most)
            self._chunking = self._chunking and not end.without_chunking
            anew = sending.ended(end, connection)
            if connection.is_open:
                self._idle.append(connection)

    async def _connection(self, deadline: float, *, anew: bool) -> SmtpConnection:
        """One that is open. ``anew``: one just turned out to be closed, so those of its age are not worth a try."""
        while self._idle:
            candidate = self._idle.pop()
            young = time.monotonic() - candidate.idle_since < IDLE_MAX_S
            if not anew and young and candidate.is_open and candidate.used < self._per_connection:
                return candidate
            candidate.leave()
        return await self._open(deadline)

    async def _open(self, deadline: float) -> SmtpConnection:
        """A new connection by ``deadline``.

        Raises:
            StillOpening: it will be ready in a later call.
            MailServerAway: refused, or silent; at once if that was so a moment ago.
            SenderRefused: see `SmtpConnection.open`.
        """
        if self._away is not None and time.monotonic() < self._away[0]:
            raise MailServerAway(self._away[1].message, code=self._away[1].error_code)
        opening = self._next_opening()
        heard, began = opening.connection.heard, time.monotonic()
        await asyncio.wait({opening.task}, timeout=max(0.0, deadline - began))
        try:
            if opening.task.done():
                opening.task.result()
                return opening.connection
            self._openings.append(opening)
            waited = time.monotonic() - began
            opening.silent_s = 0.0 if opening.connection.heard > heard else opening.silent_s + waited
            if opening.silent_s < PATIENCE_S:
                raise StillOpening
            raise MailServerAway(f"The mail server {self._url} does not answer.")
        except MailServerAway as error:
            self._away = (time.monotonic() + AWAY_S, error)
            raise

    def _next_opening(self) -> _Opening:
        while self._openings:
            opening = self._openings.pop()
            if opening.is_usable:
                return opening
            opening.task.cancel()
        connection = SmtpConnection(self._url, helo=self._helo, timeout_s=self._timeout_s, chunking=self._chunking)
        return _Opening(connection, asyncio.ensure_future(connection.open()), time.monotonic())

    async def close(self) -> None:
        openings, self._openings = self._openings, []
        for opening in openings:
            opening.task.cancel()
        await asyncio.gather(*(opening.task for opening in openings), return_exceptions=True)
        for opening in openings:
            opening.connection.drop()
        idle, self._idle = self._idle, []
        await asyncio.gather(*(connection.quit() for connection in idle))


def _own_name() -> str:
    name = socket.getfqdn()
    return name if "." in name and name.isascii() else "[127.0.0.1]"
