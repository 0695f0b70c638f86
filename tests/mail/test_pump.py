"""The pump: what is claimed is recorded, whatever happens in between; and one batch is claimed while another is sent."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import selectors
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest

from webstreet.mail.pump import Envelope, Loop, Outcome, Pace, Result, Trouble, _Gathering, pump
from webstreet.mail.smtp import SmtpTransport
from webstreet.mail.url import EmailUrl
from webstreet.testing.smtp import Behaviour, RecordingSmtpServer


def envelopes(count: int) -> list[Envelope]:
    return [Envelope(n, "us@example.com", f"s{n}@example.org", b"Subject: x\r\n\r\nHello\r\n") for n in range(count)]


class ListOutbox:
    """An outbox over a list, in batches of ten at most; knows what is claimed and not recorded."""

    def __init__(self, waiting: list[Envelope]) -> None:
        self.waiting = waiting
        self.open: list[Sequence[Envelope]] = []
        self.most_open = 0
        self.recorded: list[Result] = []
        self.claims_fail_at = -1

    def claim(self, limit: int) -> Sequence[Envelope]:
        if len(self.recorded) >= self.claims_fail_at >= 0:
            raise ConnectionError("the database is away")
        size = min(10, limit)
        batch, self.waiting = self.waiting[:size], self.waiting[size:]
        if batch:
            self.open.append(batch)
            self.most_open = max(self.most_open, len(self.open))
        return batch

    def record(self, results: Sequence[Result], trouble: Trouble | None) -> None:
        assert {r.key for r in results} == {e.key for e in self.open.pop(0)}, "the oldest batch, each once"
        self.recorded += results

    @property
    def outcomes(self) -> Counter[str]:
        return Counter(result.outcome for result in self.recorded)


class Scripted:
    """A transport that does what a test says, one entry a batch."""

    def __init__(self, *script: object) -> None:
        self.script = list(script)
        self.sent: list[Sequence[Envelope]] = []
        self.at_once = 0
        self.most_at_once = 0

    async def send(self, batch: Sequence[Envelope], *, deadline: float) -> tuple[list[Result], Trouble | None]:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.sent.append(batch)
        step = self.script.pop(0) if self.script else None
        await asyncio.sleep(0)
        self.at_once -= 1
        if isinstance(step, Exception):
            raise step
        if isinstance(step, Trouble):
            return [Result(e.key, Outcome.UNSENT) for e in batch], step
        if callable(step):
            step()
        return [Result(e.key, Outcome.SENT, "250") for e in batch], None

    async def close(self) -> None:
        pass


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.close()


def test_until_empty_and_until_trouble(loop: Loop) -> None:
    with RecordingSmtpServer() as server:
        transport = SmtpTransport(EmailUrl.parse(server.url), connections=2, timeout_s=5)
        outbox = ListOutbox(envelopes(35))
        done = pump(outbox, transport, loop, budget_s=20)
        assert (done.decided, done.empty, done.trouble) == (35, True, None)
        assert outbox.outcomes == {Outcome.SENT: 35}
        server.behaviour = Behaviour(sender="550 5.7.1 no")
        outbox = ListOutbox(envelopes(35))
        done = pump(outbox, transport, loop, budget_s=20)
        assert (done.decided, done.trouble) == (0, Trouble("sender.policy", pause=True))
        assert set(outbox.outcomes) == {Outcome.UNSENT}
        assert len(outbox.recorded) <= 20, "no batch is begun after a trouble"
        loop.run(transport.close())


def test_the_next_batch_is_claimed_while_one_is_sent_and_never_a_third(loop: Loop) -> None:
    claimed_meanwhile = threading.Event()
    outbox = ListOutbox(envelopes(100))

    def until_the_next_is_claimed() -> None:
        end = time.monotonic() + 10
        while time.monotonic() < end:
            if len(outbox.open) == 2:
                claimed_meanwhile.set()
                return

    transport = Scripted(until_the_next_is_claimed)
    assert pump(outbox, transport, loop, budget_s=60).empty
    assert claimed_meanwhile.is_set()
    assert (outbox.most_open, transport.most_at_once) == (2, 1)
    assert [e.key for batch in transport.sent for e in batch] == list(range(100)), "in order"


def test_what_was_claimed_is_recorded_when_the_database_goes(loop: Loop) -> None:
    outbox, transport = ListOutbox(envelopes(100)), Scripted()
    outbox.claims_fail_at = 20
    with pytest.raises(ConnectionError):
        pump(outbox, transport, loop, budget_s=60)
    assert outbox.open == []
    sent = {e.key for batch in transport.sent for e in batch}
    assert {r.key for r in outbox.recorded if r.outcome is Outcome.SENT} == sent
    assert set(outbox.outcomes) <= {Outcome.SENT, Outcome.UNSENT}


def test_a_transport_that_breaks_leaves_its_batch_uncertain_and_the_next_unsent(loop: Loop) -> None:
    outbox = ListOutbox(envelopes(100))
    with pytest.raises(ZeroDivisionError):
        pump(outbox, Scripted(None, ZeroDivisionError()), loop, budget_s=60)
    assert outbox.open == []
    assert outbox.outcomes[Outcome.SENT] == 10
    assert outbox.outcomes[Outcome.UNCERTAIN] == 10
    assert outbox.outcomes[Outcome.UNSENT] in (0, 10)


def test_nothing_is_claimed_that_could_not_be_begun(loop: Loop) -> None:
    outbox, pace = ListOutbox(envelopes(50)), Pace(least=10)
    assert not pump(outbox, Scripted(), loop, budget_s=0, pace=pace).empty
    assert len(outbox.waiting) == 50


class Hand:
    """A clock that goes on when a test turns it: a tenth of a second for each batch."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def batch(self) -> None:
        self.now += 0.1


def test_a_budget_begins_anew_as_often_as_it_may_and_ends_in_time_after_that(loop: Loop) -> None:
    clock, outbox = Hand(), ListOutbox(envelopes(2_000))
    asked: list[float] = []

    def goes_on() -> bool:
        asked.append(clock())
        return asked[-1] < 105

    pump(outbox, Scripted(*[clock.batch] * 100), loop, budget_s=1.0, clock=clock, goes_on=goes_on)
    assert outbox.open == []
    granted = [100.0, *(moment for moment in asked if moment < 105)]
    assert len(granted) > 5
    assert all(after - before > 0.5 for before, after in itertools.pairwise(granted)), "not before half of it is over"
    assert 105 < clock.now <= granted[-1] + 1.1, "a batch that was begun ends"
    assert outbox.outcomes == {Outcome.SENT: 2_000 - len(outbox.waiting)}


def test_nobody_is_asked_about_a_budget_that_is_over_or_a_step_that_ends_anyway(loop: Loop) -> None:
    def goes_on() -> bool:
        raise AssertionError("asked")

    outbox = ListOutbox(envelopes(50))
    assert pump(outbox, Scripted(), loop, budget_s=60, goes_on=goes_on).empty
    outbox = ListOutbox(envelopes(50))
    assert not pump(outbox, Scripted(), loop, budget_s=0, goes_on=goes_on).empty


def test_a_batch_is_what_the_server_takes_in_a_moment() -> None:
    pace = Pace(least=20)
    assert pace.limit(0, 0.7) == 40, "nothing is known yet"
    for _ in range(20):
        pace.note(500, 500 / 3_000)
    assert pace.limit(0, 0.7) == pytest.approx(3_000 * Pace.BATCH_S, rel=0.01)
    assert pace.limit(150, 0.15) == pytest.approx(300, rel=0.1), "what fits in"
    assert pace.limit(150, 0.04) == 0, "those before it take all the time"
    assert pace.limit(150, 0.05 + Pace.REST_S / 2) == 0, "what is left is not worth a batch"
    assert pace.limit(0, Pace.REST_S / 2) > 0, "but for the only one"
    for _ in range(20):
        pace.note(500, 500 / 10_000)
    assert pace.limit(0, 0.7) == Pace.MOST
    for _ in range(40):
        pace.note(4, 1)
    assert pace.limit(0, 0.7) == 20, "every connection has something to do"
    assert pace.limit(20, 0.7) == 0


@pytest.mark.parametrize(("count", "waits"), [(16, True), (5, True), (4, False), (1, False)])
def test_one_of_many_connections_waits_a_moment_for_the_others(count, waits, monkeypatch) -> None:
    with contextlib.ExitStack() as opened, _Gathering() as selector:
        pairs = [[opened.enter_context(one) for one in socket.socketpair()] for _ in range(count + 1)]
        for ours, _ in pairs:
            selector.register(ours, selectors.EVENT_READ)
        slept: list[float] = []

        def meanwhile(seconds: float) -> None:
            slept.append(seconds)
            pairs[-1][1].send(b"x")

        monkeypatch.setattr("webstreet.mail.pump.time.sleep", meanwhile)
        assert selector.select(0) == []
        pairs[0][1].send(b"x")
        assert [key.fileobj for key, _ in selector.select(0)] == [pairs[0][0]], (
            "who has something else to do waits for nobody"
        )
        heard = [key.fileobj for key, _ in selector.select(1)]
        assert heard.count(pairs[0][0]) == 1
        assert (pairs[-1][0] in heard, slept) == ((True, [_Gathering.MOMENT_S]) if waits else (False, []))
