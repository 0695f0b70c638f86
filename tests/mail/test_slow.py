"""Servers that take their time, or take few of us: nobody is doubted for it, and nothing stands still."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import pytest

from tests.mail.test_pump import ListOutbox
from tests.mail.test_smtp import envelopes
from webstreet.mail.pump import Envelope, Loop, Outcome, Result, Trouble, pump
from webstreet.mail.smtp import SmtpTransport
from webstreet.mail.url import EmailUrl
from webstreet.testing.smtp import Behaviour, RecordingSmtpServer

Step = Callable[[Sequence[Envelope]], tuple[list[Result], Trouble | None]]


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.close()


@pytest.fixture
def transport(server: RecordingSmtpServer, loop: Loop) -> Iterator[SmtpTransport]:
    made = SmtpTransport(EmailUrl.parse(server.url), connections=2)
    yield made
    loop.run(made.close())


@pytest.fixture
def step(transport: SmtpTransport, loop: Loop) -> Step:
    """``step(batch)`` sends as a worker's step does, in a fifth of a second."""
    return lambda batch: loop.run(transport.send(batch, deadline=time.monotonic() + 0.2))


def of(results: Sequence[Result]) -> Counter[str]:
    return Counter(result.outcome.value for result in results)


@pytest.mark.requirement("P4")
@pytest.mark.parametrize("chunking", [False, True])
def test_a_server_that_thinks_about_a_content_holds_up_nobody_and_makes_nobody_uncertain(
    server: RecordingSmtpServer, step: Step, chunking: bool
) -> None:
    server.behaviour = Behaviour(delay_s=2, chunking=chunking)
    results, trouble = step(envelopes(5))
    assert server.messages == [], "it was not waited for"
    assert (of(results), trouble) == ({"under way": 2, "unsent": 3}, None)
    again, trouble = step(envelopes(3, start=5))
    assert (of(again), trouble) == ({"unsent": 3}, None), "both connections are busy"
    told = [result.later.result(20) for result in results if result.later]
    assert of(told) == {"sent": 2}
    assert {message.recipients[0] for message in server.messages} == {f"s{r.key}@example.org" for r in told}
    server.behaviour = Behaviour(chunking=chunking)
    assert of(step(envelopes(5, start=5))[0]) == {"sent": 5}
    assert server.connections == (2 if chunking else 4), "after 354 there is no way to hold back a content but to close"


@pytest.mark.requirement("P4")
@pytest.mark.parametrize("chunking", [False, True])
@pytest.mark.parametrize("then", ["it answers", "it hangs up"])
def test_what_is_said_to_be_unsent_stays_unsent(
    server: RecordingSmtpServer, transport: SmtpTransport, loop: Loop, then: str, chunking: bool
) -> None:
    """Also when the call ended before its deadline, because nothing waited any more."""
    let_go = threading.Event()
    server.behaviour = Behaviour(chunking=chunking)
    assert of(loop.run(transport.send(envelopes(20, start=10), deadline=time.monotonic() + 60))[0]) == {"sent": 20}
    before = server.connections
    words = "421 4.3.2 closing" if then == "it hangs up" else ""
    server.behaviour = Behaviour(
        held=lambda to: to == ["s0@example.org"] and not let_go.is_set(),
        content=lambda to: words if to == ["s0@example.org"] and server.connections <= before else "",
        chunking=chunking,
    )
    results, trouble = loop.run(transport.send(envelopes(3), deadline=time.monotonic() + 60))
    assert (of(results), trouble) == ({"sent": 1, "unsent": 1, "under way": 1}, None)
    (unsent,) = (result.key for result in results if result.outcome is Outcome.UNSENT)
    let_go.set()
    (told,) = (result.later.result(20) for result in results if result.later)
    assert told.outcome is (Outcome.UNSENT if words else Outcome.SENT)
    loop.run(transport.close())
    came = Counter(address for message in server.messages for address in message.recipients)
    assert (came[f"s{unsent}@example.org"], came["s0@example.org"]) == (0, 0 if words else 1)


def test_one_slow_message_leaves_the_other_connection_at_work(server: RecordingSmtpServer, step: Step) -> None:
    server.behaviour = Behaviour(delay_s=2)
    (slow,), _ = step(envelopes(1))
    assert slow.outcome is Outcome.UNDER_WAY
    server.behaviour = Behaviour()
    assert of(step(envelopes(30, start=1))[0]) == {"sent": 30}
    assert slow.later
    assert not slow.later.done()
    assert slow.later.result(20).outcome is Outcome.SENT


def test_a_server_that_thinks_on_every_connection_is_given_time(
    server: RecordingSmtpServer, step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.behaviour = Behaviour(silent="after_data")
    step(envelopes(2))
    assert step(envelopes(2, start=2))[1] is None
    monkeypatch.setattr("webstreet.mail.smtp.SLOW_S", 0.0)
    results, trouble = step(envelopes(2, start=2))
    assert (of(results), trouble) == ({"unsent": 2}, Trouble("mail_server.slow", pause=False))


@pytest.mark.parametrize("how", ["the time-out", "the end", "the server hangs up"])
def test_what_is_never_answered_is_uncertain_at_last(server: RecordingSmtpServer, loop: Loop, how: str) -> None:
    server.behaviour = Behaviour(silent="after_data")
    transport = SmtpTransport(EmailUrl.parse(server.url), connections=1, final_s=1.2 if how == "the time-out" else 600)
    (result, other), _ = loop.run(transport.send(envelopes(2), deadline=time.monotonic() + 0.1))
    assert {result.outcome, other.outcome} == {Outcome.UNDER_WAY, Outcome.UNSENT}
    later = result.later or other.later
    assert later
    if how == "the end":
        loop.run(transport.close())
    elif how == "the server hangs up":
        server.stop()
    assert later.result(20).outcome is Outcome.UNCERTAIN
    loop.run(transport.close())


def test_an_outbox_that_knows_no_later_is_told_all_at_once(
    server: RecordingSmtpServer, transport: SmtpTransport, loop: Loop
) -> None:
    server.behaviour = Behaviour(delay_s=1.5)
    outbox = ListOutbox(envelopes(4))
    pump(outbox, transport, loop, budget_s=0.2)
    assert outbox.outcomes[Outcome.SENT] == len(server.messages) == 2
    assert set(outbox.outcomes) <= {Outcome.SENT, Outcome.UNSENT}


def test_a_server_that_takes_longer_for_a_command_than_a_step_gets_its_mail(
    server: RecordingSmtpServer, step: Step
) -> None:
    """Else each step would begin anew what the one before had to break off."""
    assert of(step(envelopes(2))[0]) == {"sent": 2}
    server.behaviour = Behaviour(drip_s=0.02)
    results, trouble = step(envelopes(2, start=2))
    assert trouble is None
    told = [result.later.result(20) if result.later else result for result in results]
    assert Outcome.SENT in {result.outcome for result in told}


def test_a_server_that_greets_few_connections_is_not_away(server: RecordingSmtpServer, loop: Loop) -> None:
    server.behaviour = Behaviour(greeted=1, delay_s=0.01)
    transport = SmtpTransport(EmailUrl.parse(server.url), connections=4)
    waiting, calls = envelopes(60), 0
    while waiting:
        results, trouble = loop.run(transport.send(waiting[:20], deadline=time.monotonic() + 0.8))
        assert trouble is None
        sent = {result.key for result in results if result.outcome is Outcome.SENT}
        waiting, calls = [envelope for envelope in waiting if envelope.key not in sent], calls + 1
        assert calls < 20
    assert len(server.messages) == 60
    loop.run(transport.close())


def test_who_has_nothing_left_to_send_waits_for_no_connection(server: RecordingSmtpServer, loop: Loop) -> None:
    server.behaviour = Behaviour(greeted=1)
    transport = SmtpTransport(EmailUrl.parse(server.url), connections=4)
    results, trouble = loop.run(transport.send(envelopes(20), deadline=time.monotonic() + 60))
    assert (of(results), trouble) == ({"sent": 20}, None)
    assert not transport._late, "nor do those that wait for one occupy it"
    loop.run(transport.close())


def test_a_database_that_takes_all_of_a_step_lets_something_through(
    transport: SmtpTransport, server: RecordingSmtpServer, loop: Loop
) -> None:
    class Slow(ListOutbox):
        def claim(self, limit: int) -> Sequence[Envelope]:
            time.sleep(0.1)  # What the database takes, and not what is waited for.
            return super().claim(limit)

    outbox = Slow(envelopes(5))
    pump(outbox, transport, loop, budget_s=0.05)
    assert outbox.outcomes == {Outcome.SENT: 5}


# -- What is refused for everybody -----------------------------------------------------------------------------------
def sent_by_one(server: RecordingSmtpServer, count: int) -> tuple[dict[int, Result], Trouble | None]:
    async def run() -> tuple[list[Result], Trouble | None]:
        transport = SmtpTransport(EmailUrl.parse(server.url), connections=1)
        try:
            return await transport.send(envelopes(count), deadline=time.monotonic() + 10)
        finally:
            await transport.close()

    results, trouble = asyncio.run(run())
    return {result.key: result for result in results}, trouble


REFUSALS = {
    "too large": (Behaviour(content="552 5.3.4 too big"), "content.refused", "552 5.3.4"),
    "larger than it says it takes": (Behaviour(size_max=20), "content.refused", "552 5.3.4"),
    "policy": (Behaviour(content="550 5.7.1 refused by policy"), "sender.policy", "550 5.7.1"),
}


@pytest.mark.requirement("P4")
@pytest.mark.parametrize("name", REFUSALS)
def test_what_is_refused_of_everybody_pauses_and_fails_nobody(server: RecordingSmtpServer, name: str) -> None:
    behaviour, code, reply_code = REFUSALS[name]
    server.behaviour = behaviour
    results, trouble = sent_by_one(server, 10)
    assert trouble == Trouble(code, pause=True)
    assert of(list(results.values())) == {"deferred": 3, "unsent": 7}
    assert {(results[n].code, bool(results[n].reply)) for n in range(3)} == {(reply_code, True)}, "for the editor"


@pytest.mark.parametrize("refusal", ["552 5.3.4 too big", "550 5.7.1 refused by policy"])
def test_what_is_refused_of_some_is_theirs(server: RecordingSmtpServer, refusal: str) -> None:
    refused = {f"s{n}@example.org" for n in (1, 3, 4, 5, 6)}
    server.behaviour = Behaviour(content=lambda to: refusal if to[0] in refused else "")
    results, trouble = sent_by_one(server, 10)
    assert (of(list(results.values())), trouble) == ({"sent": 5, "failed": 5}, None)
    assert {f"s{r.key}@example.org" for r in results.values() if r.outcome is Outcome.FAILED} == refused


def test_exims_last_word_on_a_connection_asks_nobody_for_less(server: RecordingSmtpServer) -> None:
    words = "421 too many messages in this connection"
    server.behaviour = Behaviour(
        content=lambda to: words if to[0] == "s4@example.org" and not server.connections > 1 else ""
    )
    results, trouble = sent_by_one(server, 8)
    assert (of(list(results.values())), trouble) == ({"sent": 8}, None)
