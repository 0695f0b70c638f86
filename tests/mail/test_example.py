"""examples/mail_a_csv.py as somebody would use it who has the library and nothing else of Webstreet."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import dkim

from tests.mail.test_message import part
from webstreet.mail.dkim import Signer, new_key, read_key
from webstreet.testing.smtp import Behaviour, RecordingSmtpServer

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/mail_a_csv.py"


def run(folder: Path, server: RecordingSmtpServer, *options: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable, str(EXAMPLE), "readers.csv", "--from", "Crispy Octo <news@example.org>", "--subject", "L’été", "--text", "text.txt",
        *options,
    ]  # fmt: skip
    environment = os.environ | {"EMAIL_URL": server.url}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_a_csv_is_mailed_once(tmp_path: Path, server: RecordingSmtpServer) -> None:
    rows = "".join(f"s{i}@example.org,Zoé {i}\n" for i in range(30))
    (tmp_path / "readers.csv").write_text(f"\ufeffemail,name\n{rows}not an address,X\nS3@Example.org,twice\n", "utf-8")
    (tmp_path / "text.txt").write_text("Bonjour {{name}} !\n", "utf-8")
    key = new_key("ed25519-sha256")
    (tmp_path / "key.pem").write_text(key.reveal())
    signing = ("--dkim-key", "key.pem", "--dkim-selector", "s1", "--unsubscribe", "https://example.org/u/{address}")
    server.behaviour = Behaviour(recipients={"s1@example.org": "550 5.1.1 no", "s2@example.org": "451 4.7.1 later"})
    first = run(tmp_path, server, *signing)
    assert first.stdout.splitlines() == [
        "line 32: An address has a name, an @ and a domain, as in name@example.org.", "deferred: 1", "failed: 1", "sent: 28"
    ], first.stderr  # fmt: skip
    assert first.returncode == 1
    server.behaviour = Behaviour()
    again = run(tmp_path, server, *signing)
    assert "sent: 29" in again.stdout, again.stderr
    assert len(server.messages) == 29, "who was deferred, and nobody else"
    (message,) = server.to("s7@example.org")
    assert part(message.parsed, "plain").strip() == "Bonjour Zoé 7 !"
    assert message.parsed["To"] == "Zoé 7 <s7@example.org>"
    assert message.parsed["List-Unsubscribe"] == "<https://example.org/u/s7@example.org>"
    record = Signer("example.org", "s1", read_key(key)).record_text.encode()
    assert dkim.verify(message.content, dnsfunc=lambda name, timeout=5: record)


def test_a_line_end_in_a_name_is_a_space(tmp_path: Path, server: RecordingSmtpServer) -> None:
    (tmp_path / "readers.csv").write_text('email,name\na@example.org,"Ada\r\nBcc: eve@example.org"\nb@example.org,Bo\n')
    (tmp_path / "text.txt").write_text("Hello {{name}}\n")
    done = run(tmp_path, server)
    assert (done.stdout.strip(), done.stderr) == ("sent: 2", "")
    (message,) = server.to("a@example.org")
    assert (message.recipients, message.parsed["Bcc"]) == (["a@example.org"], None)
    assert "Hello Ada Bcc: eve@example.org" in part(message.parsed, "plain")


def test_two_runs_at_once_mail_nobody_twice(tmp_path: Path, server: RecordingSmtpServer) -> None:
    (tmp_path / "readers.csv").write_text("email\n" + "".join(f"s{i}@example.org\n" for i in range(20)))
    (tmp_path / "text.txt").write_text("Hello\n")
    second: list[subprocess.CompletedProcess[str]] = []

    def meanwhile(to: list[str]) -> float:
        if not second:
            second.append(run(tmp_path, other))
        return 0.0

    with RecordingSmtpServer() as other:
        server.behaviour = Behaviour(delay_s=meanwhile)
        first = run(tmp_path, server)
        assert (first.stdout.strip(), len(server.messages)) == ("sent: 20", 20), first.stderr
        assert (second[0].returncode, other.messages) == (1, [])
        assert "another run is at it" in second[0].stderr


def test_what_cannot_be_used_is_said(tmp_path: Path, server: RecordingSmtpServer) -> None:
    (tmp_path / "readers.csv").write_text("mail\na@example.org\n")
    (tmp_path / "text.txt").write_text("Hello {{first}}\n")
    assert "no column email" in run(tmp_path, server).stderr
    (tmp_path / "readers.csv").write_text("email\na@example.org\n")
    assert "[mail.value_missing]" in run(tmp_path, server).stderr
    assert server.messages == []


def test_the_page_of_docs_runs(server: RecordingSmtpServer) -> None:
    page = (EXAMPLE.parents[1] / "docs/mail.md").read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 9
    names: dict[str, object] = {"url": server.url, "__name__": "docs"}
    for block in blocks:
        exec(compile(block, "docs/mail.md", "exec"), names)  # noqa: S102 our own page
    (message,) = server.messages
    assert message.parsed["To"] == "Ada Lovelace <ada@example.org>"
    assert part(message.parsed, "plain").startswith("Hello Ada,")
    assert b"Message-ID: <issue7.ada@example.org>" in bytes(names["pieces"])  # type: ignore[call-overload]
