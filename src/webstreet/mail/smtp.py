"""`SmtpTransport`: a pool of persistent SMTP connections."""

from __future__ import annotations

import asyncio
import math
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial

from webstreet.mail.connection import SmtpConnection
from webstreet.mail.errors import MailServerAway, SenderRefused
from webstreet.mail.exchange import End
from webstreet.mail.pump import Envelope, Outcome, Result, Trouble, trouble_of
from webstreet.mail.reason import Reason
from webstreet.mail.url import EmailUrl

IDLE_MAX_S = 20.0
"""A connection idle for longer is not used again: servers close them without a word."""
GRACE_S = 0.7
"""How long `SmtpTransport.send` waits beyond its deadline for what is in flight. What then is not answered is under way."""
TAIL_S = 0.3
"""The same once one connection has nothing more to do: the next batch needs it."""
FINAL_S = 600.0
"""For the reply to a whole content (RFC 5321 4.5.3.2.6): who gives up sooner gets mail doubled."""
SLOW_S = 5.0
"""A server that thinks for so long on every connection is in trouble: nobody asks it for more at once."""
PATIENCE_S = 0.5
"""A server that gave no sign of life for so long while we waited for a connection is away."""
OPENING_MAX_S = 60.0
AWAY_S = 3.0
"""Nobody waits again so soon for a server that did not answer: many who ask take no longer than one."""
EVIDENCE = 3
"""So many contents refused and none taken: it is the letter or its sender, not they."""


class StillOpening(Exception):
    """The server answers, but the deadline came before the connection was ready, or nobody needs it any more."""


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
    """One call of `SmtpTransport.send`, shared by its connections; an `webstreet.mail.exchange.Work`.

    Attributes:
        talking: the connections that are at it. ``over``: done once there is nothing left for one more.
    """

    def __init__(self, batch: Sequence[Envelope], deadline: float) -> None:
        self.batch = batch
        self.waiting = deque(batch)
        self.results: list[Result] = []
        self.troubles: list[Trouble] = []
        self.deadline = deadline
        self.give: Callable[[Result], None] = self.results.append
        self.talking: set[SmtpConnection] = set()
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._doubts: list[Result] = []
        self._everybodys = False
        self._later: dict[int, Future[Result]] = {}

    def take(self, start: float) -> Envelope | None:
        if not self.waiting or self.troubles or start >= self.deadline:
            return None
        return self.waiting.popleft()

    def may_start(self, now: float, ahead: bool) -> bool:
        """What was begun in time may end: else nothing would ever get through to a server that takes a second for each command."""
        return not self.troubles and not (ahead and now >= self.deadline)

    @property
    def may_open(self) -> bool:
        """Whether one connection more has something to do."""
        return bool(self.waiting) and not self.troubles and time.monotonic() < self.deadline

    def doubt(self, result: Result) -> None:
        self._doubts.append(result)
        if len(self._doubts) >= EVIDENCE and not any(each.outcome is Outcome.SENT for each in self.results):
            self._everybodys = True
            code = "content.refused" if result.reason is Reason.CONTENT else "sender.policy"
            self.troubles.append(Trouble(code, pause=True))

    def fail(
        self, error: MailServerAway | SenderRefused, culprit: Envelope | None = None, verdict: Result | None = None
    ) -> None:
        """Stop everything. A message that nobody took yet stands for the trouble when there is no ``culprit``."""
        if culprit is None and self.waiting:
            culprit = self.waiting.popleft()
        if culprit is not None:
            self.give(verdict or Result(culprit.key, Outcome.UNSENT, error.error_code))
        self.troubles.append(trouble_of(error))

    def ended(self, end: End, connection: SmtpConnection) -> bool:
        """Take in how an exchange ended; true when the next connection must be a new one.

        A connection that worked before may have been closed for its age, so its message goes over another. That ends: it is a new one
        sooner or later, and that one is not proven.
        """
        self.talking.discard(connection)
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
            self.fail(end.error, end.culprit, end.verdict)
        elif end.culprit is not None:
            self.waiting.appendleft(end.culprit)
        return True

    def look_whether_over(self) -> None:
        if not (self.talking or self.may_open or self.over.done()):
            self.over.set_result(None)

    def finish(self) -> tuple[list[Result], Trouble | None]:
        """What is known now; whatever has no result is under way until `close`."""
        for result in self._doubts:
            self.give(replace(result, outcome=Outcome.DEFERRED) if self._everybodys else result)
        self._doubts.clear()
        # Nobody may go on with the list that we give away, nor start what is said to be unsent.
        behind = [connection.behind for connection in self.talking]
        unsent = [*self.waiting, *(envelope for envelope in behind if envelope is not None)]
        results = [*self.results, *(Result(envelope.key, Outcome.UNSENT) for envelope in unsent)]
        self.waiting.clear()
        # Nor when the deadline is still to come. What is under way may end.
        self.deadline = -math.inf
        if len(results) < len(self.batch):
            known = {result.key for result in results}
            self._later = {envelope.key: Future() for envelope in self.batch if envelope.key not in known}
            results += [Result(key, Outcome.UNDER_WAY, later=later) for key, later in self._later.items()]
        # Without a reference to itself: it would keep its batch until somebody looks for garbage.
        self.give = partial(_tell, self._later)
        self.doubt = self.give  # type: ignore[method-assign]
        pausing = next((t for t in self.troubles if t.pause), None)
        return results, pausing or (self.troubles[0] if self.troubles else None)

    def close(self) -> None:
        """Nothing is under way any more."""
        for envelope in self.waiting:
            _tell(self._later, Result(envelope.key, Outcome.UNSENT))
        for key in list(self._later):
            _tell(self._later, Result(key, Outcome.UNCERTAIN, "closed"))


def _tell(waiting: dict[int, Future[Result]], result: Result) -> None:
    later = waiting.pop(result.key, None)
    if later is not None:
        later.set_result(result)


class SmtpTransport:
    """Sends batches over up to ``connections`` connections that stay open between batches.

    Belongs to one event loop. A message goes over another connection when one that worked turned out to be closed before its content was
    complete; everything else is the outbox's decision.

    Opening a connection keeps the deadline of `send`, so that a silent server holds nobody up. What was begun is kept: a server that is
    slow to greet or far away is open after a few calls. So does a connection on which the server thinks about a message when `send`
    returns: it goes on, and is missing from the next calls until the server has answered.

    Args:
        per_connection: messages after which a connection is closed and opened anew: for servers that share a name, and those that take
            few and do not say so by a 421, which costs no message anything (some providers demand 20).
        timeout_s: for each single step of the conversation but the reply to a content, which gets ``final_s``.
    """

    def __init__(
        self,
        url: EmailUrl,
        *,
        connections: int = 4,
        per_connection: int = 10_000,
        timeout_s: float = 30.0,
        final_s: float = FINAL_S,
        helo: str = "",
    ) -> None:
        self._url = url
        self._connections = url.connections or connections
        self._per_connection = url.per_connection or per_connection
        self._timeout_s = timeout_s
        self._final_s = final_s
        self._helo = helo or _own_name()
        self._idle: list[SmtpConnection] = []
        self._openings: list[_Opening] = []
        self._away: tuple[float, MailServerAway | SenderRefused] | None = None
        self._no_more_until = 0.0
        self._late: dict[asyncio.Task[None], float] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._chunking = True

    async def send(self, batch: Sequence[Envelope], *, deadline: float) -> tuple[list[Result], Trouble | None]:
        """See `pump.Transport`. The first trouble stops every connection before its next message."""
        sending = _Sending(batch, deadline)
        free = await self._free(deadline)
        if not free:
            slow = time.monotonic() - min(self._late.values()) >= SLOW_S
            sending.troubles += [Trouble("mail_server.slow", pause=False)] if slow else []
            return sending.finish()
        tasks = [asyncio.ensure_future(self._work(sending)) for _ in range(min(free, len(batch)))]
        left = await self._wait(sending, set(tasks))
        found = sending.finish()
        if left:
            self._late |= dict.fromkeys(left, time.monotonic())
            closing = asyncio.ensure_future(self._close_later(sending, left))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        return found

    async def _wait(self, sending: _Sending, tasks: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
        """Those that are not done when it is time to go on without them."""
        last = sending.deadline + GRACE_S
        while tasks and (timeout := last - time.monotonic()) > 0:
            done, tasks = await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            if done and not sending.waiting:
                last = min(last, time.monotonic() + TAIL_S)
        return tasks

    async def _free(self, deadline: float) -> int:
        """Connections that may be used; waits for the first while the server thinks on all of them."""
        if len(self._late) >= self._connections:
            timeout = max(0.0, deadline - time.monotonic())
            await asyncio.wait(self._late, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        free = self._connections - sum(not task.done() for task in self._late)
        if time.monotonic() < self._no_more_until:
            return min(free, max(1, len(self._idle)))
        return free

    async def _close_later(self, sending: _Sending, left: set[asyncio.Task[None]]) -> None:
        while left:
            done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                del self._late[task]
        sending.close()

    async def _work(self, sending: _Sending) -> None:
        """One connection's share of a batch; it is a new one each time the old one ends."""
        anew = False
        while sending.may_open:
            try:
                connection = await self._connection(sending, anew=anew)
            except StillOpening:
                break
            except (MailServerAway, SenderRefused) as error:
                # A server that takes no more connections is not away: those that it has do the work.
                if not sending.talking and sending.waiting:
                    sending.fail(error)
                break
            if not sending.may_open:
                self._idle.append(connection)
                break
            most = self._per_connection - connection.used
            sending.talking.add(connection)
            end = await connection.exchange(sending, final_s=self._final_s, most=most)
            self._chunking = self._chunking and not end.without_chunking
            anew = sending.ended(end, connection)
            if connection.is_open:
                self._idle.append(connection)
            sending.look_whether_over()

    async def _connection(self, sending: _Sending, *, anew: bool) -> SmtpConnection:
        """One that is open. ``anew``: one just turned out to be closed, so those of its age are not worth a try."""
        while self._idle:
            candidate = self._idle.pop()
            young = time.monotonic() - candidate.idle_since < IDLE_MAX_S
            if not anew and young and candidate.is_open and candidate.used < self._per_connection:
                return candidate
            candidate.leave()
        return await self._open(sending)

    async def _open(self, sending: _Sending) -> SmtpConnection:
        """A new connection, by the deadline of ``sending`` and while that needs it.

        Raises:
            StillOpening: it will be ready in a later call.
            MailServerAway: refused, or silent; at once if that was so a moment ago.
            SenderRefused: see `SmtpConnection.open`; likewise.
        """
        if self._away is not None and time.monotonic() < self._away[0]:
            known = self._away[1]
            raise type(known)(known.message, code=known.error_code)
        opening = self._next_opening()
        heard, began = opening.connection.heard, time.monotonic()
        timeout = max(0.0, sending.deadline - began)
        await asyncio.wait({opening.task, sending.over}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
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
        except (MailServerAway, SenderRefused) as error:
            until = time.monotonic() + AWAY_S
            if sending.talking or sending.over.done():
                self._no_more_until = until
            else:
                self._away = (until, error)
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
        """What the server has not answered by now is uncertain."""
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._closing)
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
