"""Several mail servers as one: order, shares, failover; and whatever happens between them, nobody gets a mail twice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

import pytest

from tests.mail.test_pump import ListOutbox
from tests.mail.test_smtp import envelopes
from webstreet.mail import several
from webstreet.mail.pump import Envelope, Loop, Outcome, Result, Trouble, pump
from webstreet.mail.several import SeveralTransports, transport_of
from webstreet.mail.smtp import SmtpTransport
from webstreet.mail.url import EmailUrl
from webstreet.testing.smtp import Behaviour, RecordingSmtpServer

Servers = tuple[RecordingSmtpServer, RecordingSmtpServer]


@pytest.fixture
def servers() -> Iterator[Servers]:
    with RecordingSmtpServer() as first, RecordingSmtpServer() as second:
        yield first, second


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever was left out is tried again at once."""
    monkeypatch.setattr(several, "AWAY_S", (0.0, 0.0))
    monkeypatch.setattr(several, "REFUSED_S", (0.0, 0.0))
    monkeypatch.setattr("webstreet.mail.smtp.AWAY_S", 0.0)


@pytest.fixture
def joined() -> Iterator[Callable[..., tuple[SeveralTransports, Loop]]]:
    """``joined("smtp://a?order=1", "smtp://b?order=2")`` is a transport over both, and its loop."""
    with ExitStack() as ends:

        def make(*urls: str) -> tuple[SeveralTransports, Loop]:
            found = transport_of(
                EmailUrl.parse_all("\n".join(urls)), lambda url: SmtpTransport(url, connections=2, timeout_s=5)
            )
            assert isinstance(found, SeveralTransports)
            loop = Loop()
            ends.callback(loop.close)
            ends.callback(lambda: loop.run(found.close()))
            return found, loop

        yield make


def send(
    transport: SeveralTransports, loop: Loop, batch: Sequence[Envelope], *, seconds: float = 10
) -> tuple[Counter[str], Trouble | None]:
    results, trouble = loop.run(transport.send(batch, deadline=time.monotonic() + seconds))
    assert sorted(result.key for result in results) == sorted(envelope.key for envelope in batch), "one result for each"
    return Counter(result.outcome.value for result in results), trouble


def arrived(servers: Sequence[RecordingSmtpServer]) -> Counter[str]:
    return Counter(message.recipients[0] for server in servers for message in server.messages)


def test_the_second_is_for_when_the_first_is_away(servers: Servers, joined: Callable, soon: None) -> None:
    first, second = servers
    transport, loop = joined(f"{first.url}?order=1", f"{second.url}?order=2")
    assert send(transport, loop, envelopes(20)) == ({"sent": 20}, None)
    assert (len(first.messages), len(second.messages)) == (20, 0)
    port = first.port
    first.stop()
    outbox = ListOutbox(envelopes(100, start=20))
    assert pump(outbox, transport, loop, budget_s=30).trouble is None
    assert outbox.outcomes == {Outcome.SENT: 100}
    assert (len(second.messages), max(arrived(servers).values())) == (100, 1)
    assert [member.trouble is None for member in transport.members] == [False, True]
    with RecordingSmtpServer(port=port) as again:
        assert send(transport, loop, envelopes(20, start=120)) == ({"sent": 20}, None)
        assert len(again.messages) == 1, "its trial"
        assert send(transport, loop, envelopes(20, start=140)) == ({"sent": 20}, None)
        assert len(again.messages) == 21, "and then all again"
        assert max(arrived([*servers, again]).values()) == 1


def test_who_is_away_is_not_asked_again_at_once(servers: Servers, joined: Callable) -> None:
    first, second = servers
    transport, loop = joined(first.url, f"{second.url}?order=2")
    first.behaviour = Behaviour(greeting="421 4.3.2 too busy")
    for start in (0, 10, 20):
        assert send(transport, loop, envelopes(10, start=start)) == ({"sent": 10}, None)
    assert first.connections <= 2
    assert len(second.messages) == 30


def test_weights_are_kept_in_batches_of_any_size(servers: Servers, joined: Callable) -> None:
    first, second = servers
    transport, loop = joined(f"{first.url}?weight=3", f"{second.url}?weight=1")
    sent = 0
    for size in (1, 2, 3, 5, 8, 1, 1, 40, 139):
        assert send(transport, loop, envelopes(size, start=sent))[0] == {"sent": size}
        sent += size
    assert sent == 200
    assert abs(len(first.messages) - 150) <= 2
    assert len(arrived(servers)) == 200


LEFT_OUT = {
    "a wrong login": (Behaviour(users={"ada": "right"}), "sender.login"),
    "a refused sender": (Behaviour(sender="550 5.7.1 your domain is blocked"), "sender.policy"),
    "a small server": (Behaviour(size_max=20), "content.refused"),
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_who_refuses_us_is_left_out_and_named(
    servers: Servers, joined: Callable, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    first, second = servers
    first.behaviour, code = LEFT_OUT[name]
    login = "ada:hunter2@" if first.behaviour.users else ""
    transport, loop = joined(f"smtp://{login}127.0.0.1:{first.port}?name=main", f"{second.url}?order=2")
    outcomes, trouble = send(transport, loop, envelopes(30))
    named = 3 if name == "a small server" else 0
    assert (outcomes, trouble) == (+Counter(sent=30 - named, deferred=named), None)
    assert (len(first.messages), len(second.messages)) == (0, 30 - named)
    assert transport.members[0].trouble == Trouble(code, pause=True)
    (told,) = [record for record in caplog.records if record.getMessage() == "mail.server_left_out"]
    assert (told.server, told.code) == ("main", code)  # type: ignore[attr-defined]
    assert "hunter2" not in caplog.text


@pytest.mark.requirement("P4")
def test_what_one_may_have_taken_is_not_given_to_another(servers: Servers, joined: Callable, soon: None) -> None:
    first, second = servers
    first.behaviour = Behaviour(drop="after_data", drop_after=5)
    transport, loop = joined(first.url, f"{second.url}?order=2")
    outcomes, trouble = send(transport, loop, envelopes(40))
    assert trouble is None
    assert (outcomes["sent"] + outcomes["uncertain"], outcomes["unsent"]) == (40, 0)
    assert 1 <= outcomes["uncertain"] <= 4, "a lost reply for each connection, and once more on a new one"
    assert (len(arrived(servers)), max(arrived(servers).values())) == (40, 1)


def test_what_one_thinks_about_is_not_given_to_another(servers: Servers, joined: Callable) -> None:
    first, second = servers
    first.behaviour = Behaviour(delay_s=2)
    transport, loop = joined(first.url, f"{second.url}?order=2")
    results, _ = loop.run(transport.send(envelopes(5), deadline=time.monotonic() + 0.2))
    under_way: list[Result] = [result for result in results if result.later]
    assert (len(under_way), second.messages) == (2, [])
    assert {result.later.result(20).outcome for result in under_way if result.later} == {Outcome.SENT}
    assert arrived(servers) == Counter(f"s{result.key}@example.org" for result in under_way)


def test_a_trouble_of_all_is_told(servers: Servers, joined: Callable, soon: None) -> None:
    first, second = servers
    transport, loop = joined(first.url, f"{second.url}?order=2")
    first.behaviour = Behaviour(sender="550 5.7.1 blocked")
    second.behaviour = Behaviour(greeting="421 4.3.2 too busy")
    assert send(transport, loop, envelopes(5)) == ({"unsent": 5}, Trouble("mail_server.busy", pause=False))
    second.behaviour = Behaviour(sender="550 5.7.1 blocked")
    assert send(transport, loop, envelopes(5)) == ({"unsent": 5}, Trouble("sender.policy", pause=True))
    first.behaviour = second.behaviour = Behaviour()
    assert send(transport, loop, envelopes(5)) == ({"sent": 5}, None)


def test_a_silent_first_holds_up_a_step_or_two(servers: Servers, joined: Callable) -> None:
    first, second = servers
    first.behaviour = Behaviour(silent="connect")
    transport, loop = joined(first.url, f"{second.url}?order=2")
    waiting, steps = envelopes(20), 0
    while waiting:
        results, trouble = loop.run(transport.send(waiting, deadline=time.monotonic() + 0.7))
        assert trouble is None
        sent = {result.key for result in results if result.outcome is Outcome.SENT}
        waiting, steps = [envelope for envelope in waiting if envelope.key not in sent], steps + 1
        assert steps < 10
    assert len(second.messages) == 20


def test_one_alone_is_itself(servers: Servers) -> None:
    assert isinstance(transport_of(EmailUrl.parse_all(servers[0].url)), SmtpTransport)
