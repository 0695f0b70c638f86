from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import pytest

from tests.mail.delivering import Sent, delivered
from webstreet.mail.pump import Envelope, Result
from webstreet.mail.smtp import SmtpTransport
from webstreet.mail.url import EmailUrl
from webstreet.testing.smtp import RecordingSmtpServer


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
    patience = options.get("timeout_s", 5)
    known = {"connections": 2, "timeout_s": patience, "final_s": patience} | options
    return delivered(lambda: SmtpTransport(EmailUrl.parse(url), **known), batch, seconds=seconds)  # type: ignore[arg-type]


@pytest.fixture
def send() -> Callable[..., Sent]:
    return deliver


def outcomes(results: dict[int, Result]) -> Counter[str]:
    return Counter(r.outcome.value for r in results.values())
