"""The transport against servers that others wrote: aiosmtpd, and Postfix's smtp-sink with all that pipelining can carry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from aiosmtpd.controller import Controller

from tests.conftest import server as lab_server
from tests.lab import base, smtp_sink
from tests.mail.conftest import Sent, outcomes
from webstreet.mail.content import Pieces, Plain
from webstreet.mail.pump import Envelope, Outcome


@pytest.fixture(scope="session")
def sink() -> Iterator[smtp_sink.Sink]:
    yield from lab_server(smtp_sink)


@pytest.mark.parametrize("connections", [1, 16])
def test_the_sink_takes_all(send: Callable[..., Sent], sink: smtp_sink.Sink, connections: int) -> None:
    text = b"Subject: x\r\n\r\n" + (b"x" * 74 + b"\r\n") * 130
    ready = (Plain(text), Pieces((text[:100], text[100:])))
    batch = [Envelope(i, "news@example.org", f"s{i}@example.org", ready[i % 2]) for i in range(3000)]
    batch += [Envelope(9000 + i, "news@example.org", f"s{i}@example.org", text * 20 + b".\r\n.x") for i in range(20)]
    before = sink.counted()
    results, trouble = send(sink.url, batch, connections=connections, seconds=100)
    assert (outcomes(results), trouble) == (Counter(sent=3020), None)
    assert sink.counted() - before == 3020


class Handler:
    def __init__(self) -> None:
        self.taken: list[tuple[list[str], bytes, list[str]]] = []

    async def handle_RCPT(
        self, server: object, session: object, envelope: object, address: str, options: list[str]
    ) -> str:
        if address.startswith("gone"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)  # type: ignore[attr-defined]
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
        options = envelope.mail_options  # type: ignore[attr-defined]
        self.taken.append((list(envelope.rcpt_tos), envelope.content, options))  # type: ignore[attr-defined]
        return "250 2.0.0 ok"


def test_aiosmtpd(send: Callable[..., Sent]) -> None:
    """No PIPELINING; SMTPUTF8, 8BITMIME and SIZE."""
    handler = Handler()
    controller = Controller(
        handler, hostname="127.0.0.1", port=base.free_port(), enable_SMTPUTF8=True, data_size_limit=5000
    )
    controller.start()
    try:
        contents = [
            b"Subject: x\r\n\r\n.dot\r\n..\r\n",
            "Subject: é\r\n\r\né\r\n".encode(),
            b"Subject: x\r\n\r\n" + b"x" * 6000,
        ]
        batch = [Envelope(i, "news@example.org", f"s{i}@example.org", contents[i % 2]) for i in range(20)]
        batch += [
            Envelope(20, "news@example.org", "gone@example.org", contents[0]),
            Envelope(21, "news@example.org", "zoé@example.org", contents[0]),
        ]
        batch += [Envelope(22, "news@example.org", "s22@example.org", contents[2])]
        results, trouble = send(f"smtp://127.0.0.1:{controller.port}", batch, connections=3)
    finally:
        controller.stop()
    assert trouble is None
    assert (results[20].outcome, results[22].code) == (Outcome.FAILED, "552 5.3.4")
    assert outcomes(results) == Counter(sent=21, failed=2)
    taken = {recipients[0]: (content, options) for recipients, content, options in handler.taken}
    assert len(taken) == len(handler.taken) == 21
    assert all(taken[f"s{i}@example.org"][0] == contents[i % 2] for i in range(20))
    assert "SMTPUTF8" in taken["zoé@example.org"][1]
    assert taken["s0@example.org"][1] == ["SIZE=24"]
