"""The pump: takes batches from an outbox, hands them to a transport, records what became of each message.

The two protocols are all that mail needs from the world. `Outbox` is synchronous (a database) and is called outside the event loop,
always in the caller's own thread, so that it can use the caller's connections; `Transport` is asynchronous and lives on the loop of
an ``asyncio.Runner`` that the caller keeps, so that connections to the server outlive one call.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from webstreet.mail.errors import MailServerAway, SenderRefused
from webstreet.mail.reason import Reason


class Outcome(StrEnum):
    """What became of one message.

    UNSENT: certainly not accepted, through no fault of the recipient (connection, deadline, sender refused): it may go again at once.
    UNCERTAIN: the whole content left us and no answer came.
    """

    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    UNSENT = "unsent"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message for one recipient. ``key`` is the outbox's own name for it; ``content`` has CRLF line ends, no dot-stuffing."""

    key: int
    sender: str
    recipient: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Result:
    """Outcome for one envelope; ``code`` is the reply's code and enhanced code ("550 5.1.1"), nothing else.

    ``reply``: what the server said to a refusal, without any address (`webstreet.mail.reply.Reply.told`). ``reason``: what it means.
    """

    key: int
    outcome: Outcome
    code: str = ""
    reply: str = ""
    reason: Reason = field(default=Reason.NONE, compare=False)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a transport stopped early. ``pause`` when the sender is refused and a person has to act."""

    code: str
    pause: bool


class Transport(Protocol):
    """Hands envelopes over. Gives exactly one `Result` for each, in any order, and never raises for a server's misbehaviour."""

    async def send(self, batch: Sequence[Envelope], *, deadline: float) -> tuple[list[Result], Trouble | None]:
        """Send ``batch``; open no connection and start no message after ``deadline`` (``time.monotonic()``).

        Only a message in flight may take a few seconds more. Results that are unsent without a trouble: go on at once.
        """

    async def close(self) -> None:
        """Say goodbye to the server and drop every connection."""


class Outbox(Protocol):
    """Where messages come from and where their fate is written down. Both calls are durable when they return."""

    def claim(self) -> Sequence[Envelope]:
        """Take the next batch and mark it as sending; empty when there is nothing to do now (finished, paused, cancelled)."""

    def record(self, results: Sequence[Result], trouble: Trouble | None) -> None:
        """Write down what became of each message of the last claimed batch."""


@dataclass(slots=True)
class Pumped:
    """What one `pump` call did. ``empty``: the outbox had nothing more; else the budget ended first."""

    results: int = 0
    empty: bool = False
    trouble: Trouble | None = None


def pump(
    outbox: Outbox,
    transport: Transport,
    runner: asyncio.Runner,
    *,
    budget_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> Pumped:
    """Send batches until the outbox is empty, trouble comes up, or ``budget_s`` seconds are over."""
    deadline = clock() + budget_s
    done = Pumped()
    while clock() < deadline:
        batch = outbox.claim()
        if not batch:
            done.empty = True
            return done
        results, trouble = runner.run(transport.send(batch, deadline=deadline))
        missing = {e.key for e in batch} - {r.key for r in results}
        results += [Result(key, Outcome.UNCERTAIN, "lost") for key in sorted(missing)]
        outbox.record(results, trouble)
        done.results += len(results)
        if trouble:
            done.trouble = trouble
            return done
    return done


def trouble_of(error: MailServerAway | SenderRefused) -> Trouble:
    return Trouble(error.error_code, pause=isinstance(error, SenderRefused))
