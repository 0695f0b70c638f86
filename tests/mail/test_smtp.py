"""The transport against a server that misbehaves: every message ends in exactly one true outcome."""

from __future__ import annotations

import asyncio
import gc
import socket
import subprocess
import sys
import time
import weakref
from collections import Counter

import pytest

from tests.mail.conftest import deliver as send
from tests.mail.conftest import outcomes
from webstreet.mail.pump import Envelope, Outcome, Result, Trouble
from webstreet.mail.reply import Meaning, Reply, Stage, meaning
from webstreet.mail.smtp import SmtpTransport
from webstreet.mail.url import EmailUrl
from webstreet.testing.smtp import Behaviour, RecordingSmtpServer


def envelopes(count: int, *, start: int = 0) -> list[Envelope]:
    content = b"Subject: x\r\n\r\n.a line that starts with a dot\r\n..two\r\nend\r\n"
    return [Envelope(i, "news@example.org", f"s{i}@example.org", content) for i in range(start, start + count)]


@pytest.mark.requirement("P4")
@pytest.mark.parametrize("pipelining", [True, False])
def test_sends_everything_over_few_connections(server: RecordingSmtpServer, pipelining: bool) -> None:
    server.behaviour = Behaviour(pipelining=pipelining)
    results, trouble = send(server.url, envelopes(50))
    assert (outcomes(results), trouble) == (Counter(sent=50), None)
    assert sorted(m.recipients[0] for m in server.messages) == sorted(f"s{i}@example.org" for i in range(50))
    assert server.connections <= 2
    assert all(m.content == envelopes(1)[0].content for m in server.messages), "dots arrive as they were written"


def test_recipients_refused_and_deferred_do_not_disturb_the_others(server: RecordingSmtpServer) -> None:
    server.behaviour = Behaviour(
        recipients={"s1@example.org": "550 5.1.1 no such user s1@example.org", "s3@example.org": "451 4.2.2 full"}
    )
    for pipelining in (True, False):
        server.behaviour = Behaviour(recipients=server.behaviour.recipients, pipelining=pipelining)
        results, trouble = send(server.url, envelopes(6))
        assert trouble is None
        assert results[1] == Result(1, Outcome.FAILED, "550 5.1.1", "no such user …")
        assert results[3] == Result(3, Outcome.DEFERRED, "451 4.2.2", "full")
        assert outcomes(results) == Counter(sent=4, failed=1, deferred=1)


def test_refused_after_the_content(server: RecordingSmtpServer) -> None:
    server.behaviour = Behaviour(content=lambda to: "552 5.3.4 too big" if to == ["s0@example.org"] else "")
    results, trouble = send(server.url, envelopes(3), connections=1)
    assert (outcomes(results), trouble) == (Counter(sent=2, failed=1), None)


def test_closed_port_is_never_a_success() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    results, trouble = send(f"smtp://127.0.0.1:{port}", envelopes(5))
    assert outcomes(results) == Counter(unsent=5)
    assert trouble == Trouble("mail_server.away", pause=False)


@pytest.mark.parametrize("drop", ["connect", "before_data"])
def test_dropped_before_the_content_is_unsent(server: RecordingSmtpServer, drop: str) -> None:
    server.behaviour = Behaviour(drop=drop)  # type: ignore[arg-type]
    results, trouble = send(server.url, envelopes(5))
    assert outcomes(results) == Counter(unsent=5)
    assert trouble is not None
    assert not trouble.pause
    assert server.messages == []


@pytest.mark.parametrize("drop", ["inside_data", "after_data"])
def test_dropped_once_the_content_left_is_uncertain(server: RecordingSmtpServer, drop: str) -> None:
    server.behaviour = Behaviour(drop=drop, drop_after=2)  # type: ignore[arg-type]
    results, _ = send(server.url, envelopes(6), connections=1)
    taken = {int(m.recipients[0][1:].partition("@")[0]) for m in server.messages}
    assert outcomes(results)["sent"] == 2
    for key, result in results.items():
        if key in taken:
            assert result.outcome in (Outcome.SENT, Outcome.UNCERTAIN)
        else:
            assert result.outcome in (Outcome.UNSENT, Outcome.UNCERTAIN)
    assert results[2].outcome is Outcome.UNCERTAIN


def test_421_in_the_middle_of_a_list_goes_on_with_a_new_connection(server: RecordingSmtpServer) -> None:
    server.behaviour = Behaviour(closing_after=3)
    results, trouble = send(server.url, envelopes(20), connections=1)
    assert (outcomes(results), trouble) == (Counter(sent=20), None)
    assert len(server.messages) == 20
    assert server.connections == 7


def test_421_as_greeting(server: RecordingSmtpServer) -> None:
    server.behaviour = Behaviour(greeting="421 4.3.2 too busy")
    results, trouble = send(server.url, envelopes(4))
    assert (outcomes(results), trouble) == (Counter(unsent=4), Trouble("mail_server.busy", pause=False))


@pytest.mark.parametrize(
    "behaviour",
    [
        Behaviour(sender="550 5.7.1 your domain is blocked"),
        Behaviour(greeting="554 5.7.1 go away"),
        Behaviour(content="550 5.7.26 not authenticated"),
        Behaviour(recipients={"s0@example.org": "554 5.7.1 relay access denied"}),
        Behaviour(users={"ada": "secret"}),
    ],
    ids=["sender", "greeting", "content", "relay", "login missing"],
)
def test_a_refused_sender_pauses_and_burns_no_recipient(server: RecordingSmtpServer, behaviour: Behaviour) -> None:
    server.behaviour = behaviour
    results, trouble = send(server.url, envelopes(5), connections=1)
    named = [result for result in results.values() if result.outcome is Outcome.DEFERRED]
    assert outcomes(results) == Counter(unsent=5 - len(named), deferred=len(named))
    # Whom it said it about is named, with what it said; who was never spoken of is not.
    assert [(each.key, bool(each.reply)) for each in named] == [(0, True)] * bool(
        behaviour.content or behaviour.recipients
    )
    assert trouble is not None
    assert trouble.pause


def test_login(server: RecordingSmtpServer) -> None:
    server.behaviour = Behaviour(users={"ada@example.org": "p@ss word"})
    good, trouble = send(f"smtp://ada%40example.org:p%40ss%20word@127.0.0.1:{server.port}", envelopes(2))
    assert (outcomes(good), trouble) == (Counter(sent=2), None)
    bad, trouble = send(f"smtp://ada%40example.org:wrong@127.0.0.1:{server.port}", envelopes(2))
    assert (outcomes(bad), trouble) == (Counter(unsent=2), Trouble("sender.login", pause=True))


def test_tls_that_is_trusted_and_not(certificate: tuple[str, str]) -> None:
    cert, _ = certificate
    with RecordingSmtpServer(tls="tls", certificate=certificate) as server:
        results, trouble = send(f"smtps://127.0.0.1:{server.port}?ca_file={cert}", envelopes(2))
        assert (outcomes(results), trouble) == (Counter(sent=2), None)
        results, trouble = send(f"smtps://127.0.0.1:{server.port}", envelopes(2))
        assert (outcomes(results), trouble) == (Counter(unsent=2), Trouble("mail_server.tls", pause=False))
        assert len(server.messages) == 2
    with RecordingSmtpServer(tls="starttls", certificate=certificate) as server:
        results, trouble = send(f"smtp+tls://127.0.0.1:{server.port}?ca_file={cert}", envelopes(2))
        assert (outcomes(results), trouble) == (Counter(sent=2), None)
        results, trouble = send(f"smtp+tls://127.0.0.1:{server.port}", envelopes(2))
        assert trouble == Trouble("mail_server.tls", pause=False)
        results, trouble = send(server.url, envelopes(2))
        assert (outcomes(results), trouble) == (Counter(sent=2), None)
        assert "STARTTLS" in server.commands


def test_starttls_demanded_and_not_offered(server: RecordingSmtpServer) -> None:
    results, trouble = send(f"smtp+tls://127.0.0.1:{server.port}", envelopes(1))
    assert (outcomes(results), trouble) == (Counter(unsent=1), Trouble("mail_server.tls", pause=False))


def test_a_silent_server_is_waited_for_only_so_long() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(5)
        started = time.monotonic()
        results, trouble = send(f"smtp://127.0.0.1:{silent.getsockname()[1]}", envelopes(2), timeout_s=0.3)
        assert time.monotonic() - started < 3
    assert (outcomes(results), trouble) == (Counter(unsent=2), Trouble("mail_server.away", pause=False))


@pytest.mark.requirement("P6")
def test_opening_keeps_the_deadline_and_who_asks_next_does_not_wait_again(server: RecordingSmtpServer) -> None:
    server.behaviour = Behaviour(silent="connect")
    transport = SmtpTransport(EmailUrl.parse(server.url), connections=4)
    away = Trouble("mail_server.away", pause=False)
    with asyncio.Runner() as runner:

        def step(*, at_most_s: float) -> Trouble | None:
            began = time.monotonic()
            results, trouble = runner.run(transport.send(envelopes(5), deadline=began + 0.7))
            assert time.monotonic() - began < at_most_s
            assert {r.outcome for r in results} == {Outcome.UNSENT}
            return trouble

        found = [step(at_most_s=1.2)]
        while away not in found:
            found.append(step(at_most_s=1.2))
        assert found in ([None, away], [away]), "connecting is a sign of life, then there is none"
        assert step(at_most_s=0.3) == away
        runner.run(transport.close())
    assert server.messages == []


def test_a_server_that_greets_late_is_open_after_a_few_calls(server: RecordingSmtpServer) -> None:
    server.behaviour = Behaviour(greeting_delay_s=1.0)
    transport = SmtpTransport(EmailUrl.parse(server.url), connections=1)
    with asyncio.Runner() as runner:

        def step() -> int:
            results, _ = runner.run(transport.send(envelopes(2), deadline=time.monotonic() + 0.3))
            return [r.outcome for r in results].count(Outcome.SENT)

        end = time.monotonic() + 20
        while step() == 0:
            assert time.monotonic() < end
            time.sleep(0.1)
        runner.run(transport.close())
    assert server.connections == 1


def test_a_message_in_flight_gets_a_grace(server: RecordingSmtpServer) -> None:
    server.behaviour = Behaviour(delay_s=0.5)
    results, trouble = send(server.url, envelopes(2), connections=1, seconds=0.2)
    assert (outcomes(results), trouble) == (Counter(sent=1, unsent=1), None)


def test_the_deadline_starts_no_new_message(server: RecordingSmtpServer) -> None:
    server.behaviour = Behaviour(delay_s=0.1)
    results, trouble = send(server.url, envelopes(100), connections=2, seconds=0.35)
    assert trouble is None
    assert outcomes(results)["sent"] == len(server.messages)
    assert outcomes(results)["unsent"] >= 80


def test_connections_outlive_a_batch_and_a_stale_one_is_replaced(server: RecordingSmtpServer) -> None:
    transport = SmtpTransport(EmailUrl.parse(server.url), connections=1, timeout_s=5)
    with asyncio.Runner() as runner:
        runner.run(transport.send(envelopes(3), deadline=time.monotonic() + 5))
        runner.run(transport.send(envelopes(3), deadline=time.monotonic() + 5))
        assert server.connections == 1
        port = server.port
        server.stop()
        with RecordingSmtpServer(port=port) as second:
            results, trouble = runner.run(transport.send(envelopes(3), deadline=time.monotonic() + 5))
            assert ([r.outcome for r in results], trouble) == ([Outcome.SENT] * 3, None)
            assert len(second.messages) == 3
            runner.run(transport.close())


@pytest.mark.parametrize(
    ("reply", "stage", "expected"),
    [
        (Reply(250, "2.0.0 ok"), Stage.END, Meaning.OK),
        (Reply(354), Stage.DATA, Meaning.OK),
        (Reply(421, "4.7.0 try later"), Stage.RCPT, Meaning.CLOSING),
        (Reply(450, "4.2.1"), Stage.RCPT, Meaning.DEFERRED),
        (Reply(454, "4.7.0 temporary authentication failure"), Stage.AUTH, Meaning.DEFERRED),
        (Reply(535, "5.7.8"), Stage.AUTH, Meaning.SENDER_REFUSED),
        (Reply(530, "5.7.0"), Stage.RCPT, Meaning.SENDER_REFUSED),
        (Reply(550, "5.7.1 not for you"), Stage.RCPT, Meaning.FAILED),
        (Reply(554, "5.7.1 Relay access denied"), Stage.RCPT, Meaning.SENDER_REFUSED),
        (Reply(550, "5.1.1"), Stage.RCPT, Meaning.FAILED),
        (Reply(552, "5.3.4"), Stage.END, Meaning.FAILED),
        (Reply(550, "5.7.515 domain does not meet"), Stage.RCPT, Meaning.SENDER_REFUSED),
    ],
)
def test_what_a_reply_means(reply: Reply, stage: Stage, expected: Meaning) -> None:
    assert meaning(reply, stage) is expected


def test_nothing_of_a_reply_but_its_codes_is_kept() -> None:
    assert Reply(550, "5.1.1 <ada@example.org> unknown").short == "550 5.1.1"
    assert Reply(550, "ada@example.org unknown").short == "550"


def test_the_library_knows_no_django() -> None:
    code = "import sys, webstreet.mail.smtp, webstreet.mail.message, webstreet.testing.smtp; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class _Watched(list[Envelope]):
    """A batch of which one can see that it is gone."""


def test_what_was_sent_is_forgotten_at_once_and_not_when_somebody_looks_for_garbage(
    server: RecordingSmtpServer,
) -> None:
    transport = SmtpTransport(EmailUrl.parse(server.url), connections=2)

    async def left_of_a_batch() -> object:
        batch = _Watched(envelopes(20))
        seen = weakref.ref(batch)
        results, _ = await transport.send(batch, deadline=time.monotonic() + 20)
        assert Counter(r.outcome for r in results) == {Outcome.SENT: 20}
        del batch
        await asyncio.sleep(0)  # the tasks that sent it are over a turn later
        return seen()

    with asyncio.Runner() as runner:
        gc.disable()
        try:
            assert runner.run(left_of_a_batch()) is None
        finally:
            gc.enable()
        runner.run(transport.close())
