"""Whatever the server does, what is said of each message is true: against the server's own record, over real connections."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.mail.conftest import Sent, deliver, outcomes
from webstreet.mail.content import Pieces
from webstreet.mail.pump import Envelope, Outcome, Trouble
from webstreet.mail.smtp import SmtpTransport
from webstreet.mail.url import EmailUrl
from webstreet.testing.smtp import Behaviour, RecordingSmtpServer

AWAY, BUSY, TLS = (Trouble(f"mail_server.{fact}", pause=False) for fact in ("away", "busy", "tls"))
LOGIN = Trouble("sender.login", pause=True)


def envelopes(count: int, *, size: int = 200) -> list[Envelope]:
    text = b"Subject: x\r\n\r\n" + b".dot\r\n" * (size // 6) + b"end\r\n"
    return [Envelope(i, "news@example.org", f"s{i}@example.org", text) for i in range(count)]


def assert_true(server: RecordingSmtpServer, results: dict[int, object], batch: list[Envelope]) -> None:
    """What was said of each message against what the server has."""
    taken = Counter(int(message.recipients[0][1:].partition("@")[0]) for message in server.messages)
    for envelope in batch:
        outcome = results[envelope.key].outcome  # type: ignore[attr-defined]
        if outcome is Outcome.SENT:
            assert taken[envelope.key] == 1
        elif outcome is Outcome.UNCERTAIN:
            assert taken[envelope.key] <= 1
        else:
            assert taken[envelope.key] == 0, f"{envelope.key} was taken and is called {outcome}"
    assert all(message.content == batch[0].content for message in server.messages)


MISBEHAVIOURS = {
    "drops before DATA": (Behaviour(drop="before_data", drop_after=5), AWAY),
    "drops inside DATA": (Behaviour(drop="inside_data", drop_after=5), AWAY),
    "drops after DATA: a lost 250": (Behaviour(drop="after_data", drop_after=5), AWAY),
    "silent before DATA": (Behaviour(silent="before_data"), AWAY),
    "silent after DATA": (Behaviour(silent="after_data"), AWAY),
    "421 to MAIL": (Behaviour(closing_after=3), None),
    "421 to RCPT": (Behaviour(closing_after=3, closing_at="rcpt"), None),
    "421 to DATA": (Behaviour(closing_after=3, closing_at="data"), None),
    "421 to the content": (Behaviour(closing_after=3, closing_at="end"), None),
    "slow drip": (Behaviour(drip_s=0.001), None),
    "354 after a refused RCPT": (Behaviour(granting=True, recipients={f"s{i}@example.org": "550 5.1.1 no" for i in (0, 3, 4)}), None),
    "RCPT refused": (Behaviour(recipients={f"s{i}@example.org": "550 5.1.1 no" for i in (0, 3, 4)}), None),
    "content refused": (Behaviour(content=lambda to: "550 5.6.0 no" if to[0][1] in "034" else ""), None),
    "greylisting": (Behaviour(greylist=True), None),
    "knows no EHLO": (Behaviour(old=True), None),
    "no SMTP at all": (Behaviour(greeting="hello there"), AWAY),
    "no SMTP in reply to a content": (Behaviour(content="what?"), AWAY),
}  # fmt: skip


@pytest.mark.requirement("P4")
@pytest.mark.parametrize("connections", [1, 3])
@pytest.mark.parametrize("mode", ["pipelining", "chunking", "one by one", "chunks one by one"])
@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_what_is_said_is_true(
    send: Callable[..., Sent], server: RecordingSmtpServer, name: str, mode: str, connections: int
) -> None:
    behaviour, expected = MISBEHAVIOURS[name]
    offers = {"pipelining": mode in ("pipelining", "chunking"), "chunking": "chunk" in mode}
    server.behaviour = Behaviour(**(vars(behaviour) | offers))
    batch = envelopes(12)
    results, trouble = send(server.url, batch, connections=connections, timeout_s=0.5)
    assert_true(server, results, batch)
    assert trouble == expected
    if expected is None:
        refused = {"RCPT refused": 3, "354 after a refused RCPT": 3, "content refused": 3, "greylisting": 12}.get(
            name, 0
        )
        assert outcomes(results)["sent"] == 12 - refused
        assert outcomes(results)["uncertain"] == outcomes(results)["unsent"] == 0
    else:
        assert outcomes(results)["uncertain"] <= 2 * connections, (
            "what was in flight, and once more on a new connection"
        )


def test_greylisting_is_over_the_second_time(send: Callable[..., Sent], server: RecordingSmtpServer) -> None:
    server.behaviour = Behaviour(greylist=True)
    assert outcomes(send(server.url, envelopes(5))[0]) == Counter(deferred=5)
    assert outcomes(send(server.url, envelopes(5))[0]) == Counter(sent=5)


@pytest.mark.parametrize("fault", ["refused", "hang_up", "garbage"])
def test_tls_that_fails(send: Callable[..., Sent], certificate: tuple[str, str], fault: str) -> None:
    with RecordingSmtpServer(Behaviour(tls_fault=fault), tls="starttls", certificate=certificate) as server:  # type: ignore[arg-type]
        results, trouble = send(f"smtp+tls://127.0.0.1:{server.port}?ca_file={certificate[0]}", envelopes(3))
        assert outcomes(results) == Counter(unsent=3)
        assert trouble is not None
        assert trouble.code in {"refused": {BUSY.code}, "hang_up": {AWAY.code}, "garbage": {TLS.code, AWAY.code}}[fault]
        assert server.messages == []
        assert not any(command.startswith("MAIL") for command in server.commands), "nothing in plain text"


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (Behaviour(users={"ada": "right"}), LOGIN),
        (Behaviour(users={"ada": "right"}, logins="LOGIN"), LOGIN),
        (Behaviour(users={"ada": "right"}, logins="CRAM-MD5"), LOGIN),
        (Behaviour(users={"ada": "wrong"}, login="454 4.7.0 Temporary authentication failure"), BUSY),
    ],
    ids=["PLAIN", "LOGIN", "no method we know", "only for now"],
)
def test_login_that_fails(
    send: Callable[..., Sent], server: RecordingSmtpServer, behaviour: Behaviour, expected: Trouble
) -> None:
    server.behaviour = behaviour
    results, trouble = send(f"smtp://ada:wrong@127.0.0.1:{server.port}", envelopes(3))
    assert (outcomes(results), trouble) == (Counter(unsent=3), expected)


@pytest.mark.parametrize("chunking", [False, True])
def test_over_tls_by_either_login(send: Callable[..., Sent], certificate: tuple[str, str], chunking: bool) -> None:
    for logins in ("PLAIN", "LOGIN"):
        behaviour = Behaviour(users={"ada": "p@ss word"}, logins=logins, chunking=chunking)
        with RecordingSmtpServer(behaviour, tls="starttls", certificate=certificate) as server:
            batch = envelopes(30, size=20_000)
            url = f"smtp+tls://ada:p%40ss%20word@127.0.0.1:{server.port}?ca_file={certificate[0]}"
            results, trouble = send(url, batch)
            assert (outcomes(results), trouble) == (Counter(sent=30), None)
            assert_true(server, results, batch)


def test_a_content_that_did_not_leave_wholly_is_unsent(send: Callable[..., Sent], server: RecordingSmtpServer) -> None:
    """Larger than what the system buffers: the server breaks the connection while most of it is still with us."""
    server.behaviour = Behaviour(drop="inside_data")
    batch = envelopes(3, size=30_000_000)
    results, trouble = send(server.url, batch, connections=1)
    assert (outcomes(results), trouble) == (Counter(unsent=3), AWAY)


def test_a_large_content_arrives_whole(send: Callable[..., Sent], server: RecordingSmtpServer) -> None:
    for chunking in (False, True):
        server.behaviour = Behaviour(chunking=chunking)
        batch = envelopes(3, size=3_000_000)
        results, trouble = send(server.url, batch, connections=1)
        assert (outcomes(results), trouble) == (Counter(sent=3), None)
        assert_true(server, results, batch)
        server.forget()


@pytest.mark.parametrize("mode", [(True, True), (True, False), (False, True), (False, False)])
def test_a_content_in_pieces_arrives_whole(
    send: Callable[..., Sent], server: RecordingSmtpServer, mode: tuple[bool, bool]
) -> None:
    server.behaviour = Behaviour(pipelining=mode[0], chunking=mode[1])
    ready = Pieces((b"Subject: x\r\n", b"", b"\r\nbegin", b"ning\r\nend\r\n"))
    batch = [Envelope(i, "news@example.org", f"s{i}@example.org", ready) for i in range(5)]
    results, trouble = send(server.url, batch, connections=2)
    assert (outcomes(results), trouble) == (Counter(sent=5), None)
    assert_true(server, results, batch)


def test_what_is_taken_ahead_goes_back_when_the_deadline_comes(
    send: Callable[..., Sent], server: RecordingSmtpServer
) -> None:
    for chunking in (False, True):
        server.behaviour = Behaviour(delay_s=0.4, chunking=chunking)
        batch = envelopes(4)
        results, trouble = send(server.url, batch, connections=1, seconds=0.2)
        assert (outcomes(results), trouble) == (Counter(sent=1, unsent=3), None)
        assert_true(server, results, batch)
        server.forget()


def test_a_refused_sender_starts_no_message_more(send: Callable[..., Sent], server: RecordingSmtpServer) -> None:
    server.behaviour = Behaviour(content=lambda to: "550 5.7.26 not authenticated" if to[0] == "s2@example.org" else "")
    batch = envelopes(8)
    results, trouble = send(server.url, batch, connections=1)
    assert trouble == Trouble("sender.policy", pause=True)
    assert outcomes(results) == Counter(sent=2, deferred=1, unsent=5)
    assert (results[2].code, results[2].reply) == ("550 5.7.26", "not authenticated")
    assert_true(server, results, batch)


def test_a_connection_is_left_after_as_many_messages_as_the_server_likes(
    send: Callable[..., Sent], server: RecordingSmtpServer
) -> None:
    results, _ = send(server.url, envelopes(20), connections=1, per_connection=4)
    assert outcomes(results) == Counter(sent=20)
    assert server.connections == 5


@pytest.mark.parametrize("chunking", [False, True])
def test_one_write_carries_a_content_and_the_next_commands(server: RecordingSmtpServer, chunking: bool) -> None:
    """So that a message costs one round trip."""
    server.behaviour = Behaviour(delay_s=0.001, chunking=chunking)
    written: list[bytes] = []

    async def run() -> None:
        transport = SmtpTransport(EmailUrl.parse(server.url), connections=1)
        await transport.send(envelopes(1), deadline=time.monotonic() + 5)
        wire = transport._idle[0]._wire
        write = wire.write
        wire.write = lambda data: written.append(data) or write(data)  # type: ignore[assignment, method-assign, func-returns-value]
        await transport.send(envelopes(5), deadline=time.monotonic() + 5)
        await transport.close()

    asyncio.run(run())
    assert len(written) == 1 + 5 + 1, "the first commands, five contents, QUIT"
    assert all(b"RCPT TO:<s" in data for data in written[1:5])


# -- What a server offers --------------------------------------------------------------------------------------------
def envelope(content: bytes = b"Subject: x\r\n\r\nx\r\n", *, to: str = "ada@example.org") -> list[Envelope]:
    return [Envelope(7, "news@example.org", to, content)]


def test_too_large_is_refused_before_it_is_sent(send: Callable[..., Sent], server: RecordingSmtpServer) -> None:
    server.behaviour = Behaviour(size_max=1000)
    results, trouble = send(server.url, envelope(b"Subject: x\r\n\r\n" + b"x" * 2000))
    assert trouble is None
    assert (results[7].outcome, results[7].code) == (Outcome.FAILED, "552 5.3.4")
    assert results[7].reply == "The message has 2014 octets; the server takes at most 1000."
    assert not any(command.startswith("MAIL") for command in server.commands)
    assert outcomes(send(server.url, envelope())[0]) == Counter(sent=1)
    assert server.messages[0].parameters == ("SIZE=17",)


def test_an_address_outside_ascii(send: Callable[..., Sent], server: RecordingSmtpServer) -> None:
    to = envelope(to="zoé@example.org")
    results, trouble = send(server.url, to)
    assert (results[7].outcome, results[7].code, trouble) == (Outcome.FAILED, "553 5.6.7", None)
    server.behaviour = Behaviour(utf8=True)
    assert outcomes(send(server.url, to)[0]) == Counter(sent=1)
    assert server.messages[0].recipients == ["zoé@example.org"]
    assert "SMTPUTF8" in server.messages[0].parameters


def test_eight_bit_text_and_headers(send: Callable[..., Sent], server: RecordingSmtpServer) -> None:
    text, header = (envelope(c.encode()) for c in ("Subject: x\r\n\r\né\r\n", "Subject: é\r\n\r\nx\r\n"))
    server.behaviour = Behaviour(eightbit=False)
    assert send(server.url, text)[0][7].code == "554 5.6.3"
    server.behaviour = Behaviour()
    assert outcomes(send(server.url, text)[0]) == Counter(sent=1)
    assert server.messages[0].parameters == ("BODY=8BITMIME",)
    assert send(server.url, header)[0][7].code == "553 5.6.7"
    server.behaviour = Behaviour(utf8=True)
    assert outcomes(send(server.url, header)[0]) == Counter(sent=1)
    assert server.messages[1].parameters == ("BODY=8BITMIME", "SMTPUTF8")


@pytest.mark.parametrize(
    "to", ["a@b.example>\r\nRCPT TO:<c@d.example", "a b@example.org", "a@b.example\n", "<a@b.example", "x" * 300]
)
def test_an_address_that_would_break_out_of_its_command(
    send: Callable[..., Sent], server: RecordingSmtpServer, to: str
) -> None:
    results, trouble = send(server.url, envelope(to=to))
    assert (results[7].outcome, results[7].code, trouble) == (Outcome.FAILED, "553 5.1.3", None)
    assert server.messages == []


@pytest.mark.parametrize(
    "content",
    [b"Subject: x\r\n\r\na\n.\r\nMAIL FROM:<x@y.example>\r\n", b".", b"..\r\n.\r\n", b"\r\n.\r\n.\r\n..x", b""],
)
@pytest.mark.parametrize("chunking", [False, True])
def test_no_content_ends_its_message(
    send: Callable[..., Sent], server: RecordingSmtpServer, content: bytes, chunking: bool
) -> None:
    server.behaviour = Behaviour(chunking=chunking)
    results, _ = send(server.url, envelope(content))
    assert outcomes(results) == Counter(sent=1)
    assert len(server.messages) == 1
    if b"a\n." not in content:  # What has a bare LF, which no mail may have, arrives with one dot more.
        assert server.messages[0].content == content + (b"" if content.endswith(b"\r\n") else b"\r\n")


def test_a_reply_that_never_ends_is_waited_for_only_so_long(
    send: Callable[..., Sent], server: RecordingSmtpServer
) -> None:
    """Octet after octet, each in time: what counts is a whole reply."""
    server.behaviour = Behaviour(drip_s=0.05)
    began = time.monotonic()
    results, trouble = send(server.url, envelopes(2), connections=1, timeout_s=0.3)
    assert (outcomes(results), trouble) == (Counter(unsent=2), AWAY)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("pipelining", [False, True])
def test_chunking_that_is_offered_and_refused_is_not_used(
    send: Callable[..., Sent], server: RecordingSmtpServer, pipelining: bool
) -> None:
    server.behaviour = Behaviour(chunking=True, bdat="502 5.5.1 unknown command", pipelining=pipelining)
    batch = envelopes(10)
    results, trouble = send(server.url, batch, connections=2)
    assert (outcomes(results), trouble) == (Counter(sent=10), None)
    assert_true(server, results, batch)


CHAOS = st.builds(
    Behaviour,
    recipients=st.dictionaries(
        st.sampled_from([f"s{i}@example.org" for i in range(15)]),
        st.sampled_from(["550 5.1.1 no", "451 4.2.2 full", "421 4.3.2 bye", "450-4.2.0 a\r\n450 4.2.0 b"]),
        max_size=5,
    ),
    content=st.sampled_from(["", "", "", "451 4.3.0 later", "550 5.6.0 no"]),
    drop=st.sampled_from([None, None, "before_data", "inside_data", "after_data"]),
    drop_after=st.integers(0, 10),
    closing_after=st.integers(0, 5),
    closing_at=st.sampled_from(["mail", "rcpt", "data", "end"]),
    silent=st.sampled_from([None, None, None, "before_data", "after_data"]),
    granting=st.booleans(),
    pipelining=st.booleans(),
    chunking=st.booleans(),
    greylist=st.booleans(),
    delay_s=st.sampled_from([0, 0, 0.01]),
)


@settings(deadline=None, max_examples=60)
@example(  # Refused recipients prove nothing about contents.
    behaviour=Behaviour(
        recipients={f"s{i}@example.org": "550 5.1.1 no" for i in range(0, 15, 2)},
        drop="before_data",
        drop_after=1,
        chunking=True,
    ),
    connections=1,
    size=50,
    seconds=5,
)
@given(
    behaviour=CHAOS,
    connections=st.integers(1, 4),
    size=st.sampled_from([50, 5000, 100_000]),
    seconds=st.sampled_from([0.05, 5]),
)
def test_whatever_comes_together(behaviour: Behaviour, connections: int, size: int, seconds: float) -> None:
    batch = envelopes(15, size=size)
    with RecordingSmtpServer(behaviour) as server:
        results, _ = deliver(server.url, batch, connections=connections, timeout_s=0.2, seconds=seconds)
    assert_true(server, results, batch)
    assert outcomes(results)["uncertain"] <= 2 * connections
