"""`SeveralTransports`: one transport made of several, with order, shares and failover.

Of the servers that can be used, those of the smallest order get everything, each its share by weight. A server that is away or refuses the
sender is left out for a while; then one message at a time is its trial, while the others do the work. Only what certainly was not taken
goes to another server: nobody gets a mail twice because there are two ways to them.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from webstreet.mail.pump import Envelope, Outcome, Result, Transport, Trouble
from webstreet.mail.smtp import SmtpTransport
from webstreet.mail.url import EmailUrl

AWAY_S = (10.0, 300.0)
"""How long a server is left out after its first trouble; twice as long after each other, up to the second."""
REFUSED_S = (60.0, 900.0)
"""The same when it refuses the sender: a person has to act, and a login that is tried too often is locked."""
_ANSWERED = frozenset({Outcome.SENT, Outcome.DEFERRED, Outcome.FAILED})
logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Member:
    """One of several. ``name`` says nothing secret, and stays: limits and notes go by it.

    Attributes:
        trouble: why it was left out last; None: it works. ``until``: ``time.monotonic()`` until which it is left out.
        owed: what it got less than its share until now, in messages.
    """

    name: str
    transport: Transport
    order: int = 1
    weight: int = 1
    trouble: Trouble | None = None
    until: float = 0.0
    owed: float = 0.0
    _failures: int = field(default=0, repr=False)

    @property
    def is_on_trial(self) -> bool:
        return self.trouble is not None and time.monotonic() >= self.until

    def failed(self, trouble: Trouble) -> None:
        first, most = REFUSED_S if trouble.pause else AWAY_S
        self.until = time.monotonic() + min(most, first * 2.0 ** min(self._failures, 10))
        self._failures += 1
        if self.trouble is None or self.trouble.code != trouble.code:
            logger.warning("mail.server_left_out", extra={"server": self.name, "code": trouble.code})
        self.trouble = trouble

    def worked(self) -> None:
        if self.trouble is not None:
            logger.info("mail.server_used_again", extra={"server": self.name})
        self.trouble, self._failures = None, 0


class SeveralTransports:
    """A `webstreet.mail.pump.Transport` over others; belongs to one event loop, as they do.

    Args:
        members: at least one. Those of one order share by weight, whatever their speed: a batch is over when each has done its share.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = sorted(members, key=lambda member: member.order)

    async def send(self, batch: Sequence[Envelope], *, deadline: float) -> tuple[list[Result], Trouble | None]:
        """See `pump.Transport`. A trouble of one of them is a trouble of all only when no other is left."""
        results: list[Result] = []
        left = list(batch)
        troubles: list[Trouble] = []
        failed: list[Member] = []
        while left:
            shares = self._shares(left, failed)
            if not shares:
                results += [Result(envelope.key, Outcome.UNSENT) for envelope in left]
                return results, next((trouble for trouble in troubles if not trouble.pause), troubles[0])
            told = await asyncio.gather(*(member.transport.send(share, deadline=deadline) for member, share in shares))
            left = []
            for (member, share), (found, trouble) in zip(shares, told, strict=True):
                if trouble is None:
                    results += found
                    if any(result.outcome in _ANSWERED for result in found):
                        member.worked()
                    continue
                member.failed(trouble)
                failed.append(member)
                troubles.append(trouble)
                unsent = {result.key for result in found if result.outcome is Outcome.UNSENT}
                results += [result for result in found if result.key not in unsent]
                left += [envelope for envelope in share if envelope.key in unsent]
        return results, None

    def _shares(self, batch: Sequence[Envelope], failed: Sequence[Member]) -> list[tuple[Member, Sequence[Envelope]]]:
        """Who sends what of ``batch``; empty: nobody is left."""
        others = [member for member in self.members if member not in failed]
        working = [member for member in others if member.trouble is None]
        if not working:
            return _shared(self._last_resort(others), batch)
        order = working[0].order
        trials = [member for member in others if member.order <= order and member.is_on_trial]
        alone = list(zip(trials, ([envelope] for envelope in batch), strict=False))
        rest = batch[len(alone) :]
        return [*alone, *_shared([member for member in working if member.order == order], rest)]

    def _last_resort(self, others: Sequence[Member]) -> list[Member]:
        """Nobody is known to work: whoever's time has come, else those that may only be away. Whoever calls waits longer each time."""
        ready = [member for member in others if member.is_on_trial]
        ready = ready or [member for member in others if member.trouble and not member.trouble.pause] or list(others)
        return [member for member in ready if member.order == ready[0].order]

    async def close(self) -> None:
        await asyncio.gather(*(member.transport.close() for member in self.members))


def _shared(members: Sequence[Member], batch: Sequence[Envelope]) -> list[tuple[Member, Sequence[Envelope]]]:
    """By weight; what cannot be divided is owed, so that small batches are shared as large ones are."""
    if not members:
        return []
    weights = sum(member.weight for member in members)
    for member in members:
        member.owed += len(batch) * member.weight / weights
    found: list[tuple[Member, Sequence[Envelope]]] = []
    start = 0
    for n, member in enumerate(members):
        is_last = n == len(members) - 1
        count = len(batch) - start if is_last else min(max(0, round(member.owed)), len(batch) - start)
        member.owed -= count
        if count:
            found.append((member, batch[start : start + count]))
        start += count
    return found


def transport_of(urls: Sequence[EmailUrl], make: Callable[[EmailUrl], Transport] = SmtpTransport) -> Transport:
    """One for what `EmailUrl.parse_all` read. ``make``: of a single one."""
    if len(urls) == 1:
        return make(urls[0])
    return SeveralTransports([Member(url.name, make(url), url.order, url.weight) for url in urls])
