from __future__ import annotations

import asyncio
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import pytest

from webstreet.mail.pump import Envelope, Result, Trouble
from webstreet.mail.smtp import SmtpTransport
from webstreet.mail.url import EmailUrl
from webstreet.testing.smtp import RecordingSmtpServer

Sent = tuple[dict[int, Result], Trouble | None]


@pytest.fixture
def server() -> Iterator[RecordingSmtpServer]:
    with RecordingSmtpServer() as running:
        yield running


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
         "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    return str(cert), str(key)


def deliver(url: str, batch: Sequence[Envelope], *, seconds: float = 20, **options: object) -> Sent:
    """Send a batch over a transport of its own; one result for each envelope, or the test fails."""

    async def run() -> tuple[list[Result], Trouble | None]:
        patience = options.get("timeout_s", 5)
        known = {"connections": 2, "timeout_s": patience, "final_s": patience} | options
        transport = SmtpTransport(EmailUrl.parse(url), **known)  # type: ignore[arg-type]
        try:
            results, trouble = await transport.send(batch, deadline=time.monotonic() + seconds)
            later = [asyncio.wrap_future(r.later) for r in results if r.later is not None]
            return [r for r in results if r.later is None] + await asyncio.gather(*later), trouble
        finally:
            await transport.close()

    results, trouble = asyncio.run(run())
    assert sorted(r.key for r in results) == sorted(e.key for e in batch), "one result for each envelope"
    return {r.key: r for r in results}, trouble


@pytest.fixture
def send() -> Callable[..., Sent]:
    return deliver


def outcomes(results: dict[int, Result]) -> Counter[str]:
    return Counter(r.outcome.value for r in results.values())
