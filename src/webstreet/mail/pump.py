"""The pump: takes batches from an outbox, hands them to a transport, records what became of each message.

The two protocols are all that mail needs from the world. `Outbox` is synchronous (a database) and is always called in the caller's own
thread, so that it can use the caller's connections; `Transport` is asynchronous and lives on a `Loop`, a thread beside it, so that
connections to the server outlive one call, and that the database works while messages go out.
"""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from webstreet.mail.content import Pieces
from webstreet.mail.errors import MailServerAway, SenderRefused
from webstreet.mail.reason import Reason

T = TypeVar("T")
FIRST_S = 0.2
"""What the first batch may take at least: when the database took all of the budget, every call would else send nothing."""
OPEN_MAX = 2
"""Batches that were claimed and are not recorded: one on its way, one ready to follow it. What a killed worker leaves in question."""


class Outcome(StrEnum):
    """What became of one message.

    UNSENT: certainly not accepted, through no fault of the recipient (connection, deadline, sender refused): it may go again at once.
    UNCERTAIN: the whole content left us and no answer came.
    UNDER_WAY: none yet: it left us, and the server is still thinking. `Result.later` gives what became of it.
    """

    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    UNSENT = "unsent"
    UNCERTAIN = "uncertain"
    UNDER_WAY = "under way"


_OPEN = frozenset({Outcome.UNSENT, Outcome.UNDER_WAY})


# These two are made for each message, and to freeze them would take three times as long.
@dataclass(slots=True)
class Envelope:
    """One message for one recipient. ``key`` is the outbox's own name for it; the content has CRLF line ends, no dot-stuffing.

    ``ready``: the content, perhaps in pieces; who wants it whole takes `content`.
    """

    key: int
    sender: str
    recipient: str
    ready: bytes | Pieces = field(repr=False)

    @property
    def content(self) -> bytes:
        return bytes(self.ready)


@dataclass(slots=True)
class Result:
    """Outcome for one envelope; ``code`` is the reply's code and enhanced code ("550 5.1.1"), nothing else.

    ``reply``: what the server said to a refusal, without any address (`webstreet.mail.reply.Reply.told`). ``reason``: what it means.
    ``later``: of a message that is under way; given its result when there is one, at the latest when the transport is closed.
    """

    key: int
    outcome: Outcome
    code: str = ""
    reply: str = ""
    reason: Reason = field(default=Reason.NONE, compare=False)
    later: Future[Result] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a transport stopped early. ``pause`` when the sender is refused and a person has to act."""

    code: str
    pause: bool


class Transport(Protocol):
    """Hands envelopes over. Gives exactly one `Result` for each, in any order, and never raises for a server's misbehaviour."""

    async def send(self, batch: Sequence[Envelope], *, deadline: float) -> tuple[list[Result], Trouble | None]:
        """Send ``batch``; open no connection and start no message after ``deadline`` (``time.monotonic()``).

        What the server has not answered a moment later is under way, see `Result.later`: a server may think for minutes about a content,
        and nobody else waits for it. Results that are unsent without a trouble: go on at once.
        """

    async def close(self) -> None:
        """Say goodbye to the server and drop every connection."""


class Outbox(Protocol):
    """Where messages come from and where their fate is written down. Both calls are durable when they return."""

    def claim(self, limit: int) -> Sequence[Envelope]:
        """Take the next batch, at most ``limit``, and mark it as sending; empty when there is nothing to do now (finished, paused)."""

    def record(self, results: Sequence[Result], trouble: Trouble | None) -> None:
        """Write down what became of each message of the batch that was claimed first of those not yet recorded."""


class _Gathering(selectors.EpollSelector):
    """Waits a moment longer when few of many connections have something to say, so that several are heard at one waking.

    A server that answers every 70 microseconds would else wake the thread for each answer: a fifth of what a message costs a worker, and
    the database's thread would be interrupted as often. The others have enough to do meanwhile.
    """

    FEW = 4
    """One of so many."""
    MOMENT_S = 0.0003

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(timeout)
        if found and timeout != 0 and len(found) * self.FEW < len(self.get_map()) - 1:  # One is the loop's own.
            time.sleep(self.MOMENT_S)
            found = super().select(0)
        return found


class Loop:
    """An event loop in a thread of its own, which ends with `close` or with the process."""

    def __init__(self) -> None:
        self._loop = asyncio.SelectorEventLoop(_Gathering())
        self._thread = threading.Thread(target=self._run, name="mail", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def start(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Wait for what it gives."""
        return self.start(coroutine).result()

    def close(self) -> None:
        """What still runs is cancelled."""
        self.run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._loop.shutdown_asyncgens()


class Pace:
    """How large a batch should be: what the server takes in `BATCH_S`. Kept beside the transport from one `pump` to the next.

    So a slow server leaves few in question when a worker is killed, and a fast one few commits.

    Args:
        least: as many as keep every connection busy.
    """

    BATCH_S = 0.2
    MOST = 1000
    REST_S = 0.05
    """What is left of a budget is not worth a batch when it is less, unless it would be the only one."""

    def __init__(self, least: int = 20) -> None:
        self.least = least
        self.rate = 0.0
        """Messages a second; 0: not known yet."""

    def limit(self, waiting: int, left_s: float) -> int:
        """Size of the next batch when ``waiting`` are claimed before it and ``left_s`` seconds are left; 0: it would not be begun."""
        if not self.rate:
            return 2 * self.least if left_s > 0 else 0
        left_s -= waiting / self.rate
        if left_s <= (self.REST_S if waiting else 0.0):
            return 0
        return max(self.least, int(min(self.rate * self.BATCH_S, self.rate * left_s, self.MOST)))

    def note(self, count: int, seconds: float) -> None:
        if count and seconds > 0:
            rate = count / seconds
            self.rate = (self.rate + rate) / 2 if self.rate else rate


@dataclass(slots=True)
class Pumped:
    """What one `pump` call did. ``empty``: the outbox had nothing more; else the budget ended first.

    ``decided``: messages of which it is known what became of them: neither unsent nor under way.
    """

    decided: int = 0
    empty: bool = False
    trouble: Trouble | None = None


def pump(
    outbox: Outbox,
    transport: Transport,
    loop: Loop,
    *,
    budget_s: float,
    pace: Pace | None = None,
    clock: Callable[[], float] = time.monotonic,
    takes_under_way: bool = False,
    goes_on: Callable[[], bool] | None = None,
) -> Pumped:
    """Send batches until the outbox is empty, trouble comes up, or ``budget_s`` seconds are over.

    While one batch is sent the next one is claimed and the one before recorded. Whatever happens, each batch that was claimed is
    recorded before this returns or raises.

    Args:
        takes_under_way: the outbox records messages that are `Outcome.UNDER_WAY`, and what became of them later. Else they are waited for.
        goes_on: asked when half of the budget is over: whether it is to begin anew at that moment.
    """
    made = _Pump(outbox, transport, loop, pace or Pace(), clock, budget_s)
    made.takes_under_way, made.goes_on = takes_under_way, goes_on
    return made.run()


class _Pump:
    """One call of `pump`."""

    def __init__(
        self,
        outbox: Outbox,
        transport: Transport,
        loop: Loop,
        pace: Pace,
        clock: Callable[[], float],
        budget_s: float,
    ) -> None:
        self._outbox, self._transport, self._loop, self._pace = outbox, transport, loop, pace
        self._clock, self._budget_s, self._deadline = clock, budget_s, clock() + budget_s
        self._open: deque[tuple[Sequence[Envelope], Future[tuple[list[Result], Trouble | None]]]] = deque()
        self._turn = asyncio.Lock()
        self._stopped = False
        self._begun = False
        self._done = Pumped()
        self.takes_under_way = False
        self.goes_on: Callable[[], bool] | None = None

    def run(self) -> Pumped:
        try:
            while True:
                self._look_ahead()
                if not self._open:
                    return self._done
                self._record_oldest()
        except BaseException:
            self._stopped = True
            while self._open:
                with contextlib.suppress(Exception):
                    self._record_oldest()
            raise

    def _look_ahead(self) -> None:
        while len(self._open) < OPEN_MAX and not self._stopped:
            waiting = sum(len(batch) for batch, _ in self._open)
            limit = self._pace.limit(waiting, self._left_s())
            batch = self._outbox.claim(limit) if limit else ()
            if not batch:
                self._done.empty = bool(limit) and not self._open
                return
            self._open.append((batch, self._loop.start(self._send(batch))))

    def _left_s(self) -> float:
        """Of the budget. It begins anew while there is enough left of it that nobody waits for the answer at its end."""
        left_s = self._deadline - self._clock()
        if self.goes_on is None or not 0 < left_s < self._budget_s / 2:
            return left_s
        if self.goes_on():
            self._deadline = self._clock() + self._budget_s
        return self._deadline - self._clock()  # The answer may have taken a while.

    async def _send(self, batch: Sequence[Envelope]) -> tuple[list[Result], Trouble | None]:
        """One batch after the other; none after a trouble."""
        async with self._turn:
            if self._stopped:
                return [Result(envelope.key, Outcome.UNSENT) for envelope in batch], None
            began = self._clock()
            deadline = self._deadline if self._begun else max(self._deadline, began + FIRST_S)
            self._begun = True
            try:
                results, trouble = await self._transport.send(batch, deadline=deadline)
            except BaseException:
                self._stopped = True
                raise
            self._stopped = self._stopped or trouble is not None
            decided = sum(result.outcome is not Outcome.UNSENT for result in results)
            self._pace.note(decided, self._clock() - began)
            return results, trouble

    def _record_oldest(self) -> None:
        batch, sending = self._open.popleft()
        results: list[Result] = []
        trouble: Trouble | None = None
        try:
            told, trouble = sending.result()
            if self.takes_under_way:
                results = told
            else:
                for result in told:
                    results.append(result.later.result() if result.later is not None else result)
        finally:
            known = {result.key for result in results}
            if len(known) < len(batch):
                results += [Result(e.key, Outcome.UNCERTAIN, "lost") for e in batch if e.key not in known]
            self._outbox.record(results, trouble)
        self._done.decided += sum(r.outcome not in _OPEN for r in results)
        self._done.trouble = self._done.trouble or trouble


def trouble_of(error: MailServerAway | SenderRefused) -> Trouble:
    return Trouble(error.error_code, pause=isinstance(error, SenderRefused))
