"""The mailbox: what is sent to it by SMTP can be read, waited for and looked at, and nothing in a mail can do harm."""

from __future__ import annotations

import smtplib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from webstreet.testing.mailbox import Mailbox, MailMissing, PortTaken

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as box:
        yield box


@pytest.fixture
def web(mailbox: Mailbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=mailbox.url, trust_env=False) as client:
        yield client


def letter(subject: str = "Été à la mer", to: str = "ann@example.com", **headers: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "News <news@example.org>", to, subject
    mail["Message-ID"] = f"<{abs(hash((subject, to)))}@example.org>"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content("Bonjour,\n.a line that begins with a dot\n\nRead: https://example.org/a?b=1&c=2.\n")
    mail.add_alternative(f"<html><head><title>x</title></head><body><h1>Été</h1>{EVIL}</body></html>", subtype="html")
    return mail


def send(mailbox: Mailbox, *mails: EmailMessage) -> None:
    with smtplib.SMTP(mailbox.host, mailbox.smtp_port, timeout=10) as smtp:
        for mail in mails:
            smtp.send_message(mail)


def test_a_mail_arrives_as_it_was_sent(mailbox: Mailbox) -> None:
    way_out = "<mailto:x@example.org>, <https://example.org/u/1>"
    send(mailbox, letter(List_Unsubscribe=way_out, List_Unsubscribe_Post="List-Unsubscribe=One-Click"))
    (mail,) = mailbox.mails()
    assert (mail.sender, mail.recipients, mail.to) == ("news@example.org", ("ann@example.com",), "ann@example.com")
    assert mail.subject == "Été à la mer"
    assert "\n.a line that begins with a dot" in mail.text
    assert "<h1>Été</h1>" in mail.html
    assert mail.unsubscribe_url == "https://example.org/u/1"


def test_waiting_ends_when_the_mail_comes_or_the_time_is_over(mailbox: Mailbox) -> None:
    later = threading.Timer(0.3, send, (mailbox, letter(to="late@example.com")))
    later.start()
    began = time.monotonic()
    assert mailbox.wait_for(lambda m: m.to == "late@example.com", timeout_s=10).number == 1
    assert time.monotonic() - began < 5
    later.join()
    with pytest.raises(MailMissing, match="1 others did"):
        mailbox.wait_for(lambda m: m.to == "never@example.com", timeout_s=0.2)


def test_some_recipients_can_be_refused() -> None:
    with Mailbox(replies=lambda to: "550 5.1.1 No such user" if to.startswith("gone") else None) as mailbox:
        with pytest.raises(smtplib.SMTPRecipientsRefused, match="No such user"):
            send(mailbox, letter(to="gone@example.com"))
        send(mailbox, letter(to="here@example.com"))
        assert [mail.to for mail in mailbox] == ["here@example.com"]


def test_json_tells_everything_a_check_needs(mailbox: Mailbox, web: httpx.Client) -> None:
    assert web.get("/messages.json").json() == {"items": [], "total": 0}
    send(mailbox, letter("one"), letter("two"))
    found = web.get("/messages.json?after=1").json()
    assert (found["total"], [mail["subject"] for mail in found["items"]]) == (2, ["two"])
    assert found["items"][0]["recipients"] == ["ann@example.com"]


def test_the_page_shows_every_view(mailbox: Mailbox, web: httpx.Client) -> None:
    assert "No mail yet" in web.get("/").text
    send(mailbox, letter())
    assert "Été à la mer" in web.get("/").text
    for view, expected in [
        ("html", "<iframe"),
        ("text", "Bonjour"),
        ("headers", "Message-ID"),
        ("source", "MIME-Version"),
    ]:
        page = web.get(f"/messages/1?view={view}")
        assert (page.status_code, expected in page.text) == (200, True), view
    assert 'href="https://example.org/a?b=1&amp;c=2"' in web.get("/messages/1?view=text").text
    assert web.get("/messages/1/raw").content == mailbox.mails()[0].raw
    assert web.get("/messages/2").status_code == 404
    assert web.get("/nothing").status_code == 404


def test_nothing_in_a_mail_becomes_part_of_the_page(mailbox: Mailbox, web: httpx.Client) -> None:
    send(mailbox, letter(subject=f"{EVIL}", X_Evil=EVIL, to=f'"{EVIL}"@example.com'))
    for path in ["/", "/messages/1", *(f"/messages/1?view={view}" for view in ("text", "headers", "source"))]:
        page = web.get(path)
        assert EVIL not in page.text, path
        assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    frame = web.get("/messages/1/html")
    assert "sandbox" in frame.headers["Content-Security-Policy"]
    assert "allow-scripts" not in frame.headers["Content-Security-Policy"]
    assert "allow-scripts" not in web.get("/messages/1").text


def test_new_mails_are_announced_to_an_open_page(mailbox: Mailbox, web: httpx.Client) -> None:
    with web.stream("GET", "/events?after=0", timeout=10) as events:
        send(mailbox, letter("fresh"))
        data = next(line for line in events.iter_lines() if line.startswith("data: "))
    assert "fresh" in data


def test_only_the_page_itself_can_empty_the_mailbox(mailbox: Mailbox, web: httpx.Client) -> None:
    send(mailbox, letter())
    assert web.post("/clear", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 404
    assert len(mailbox) == 1
    assert web.post("/clear", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 303
    assert len(mailbox) == 0


def test_kept_mails_are_found_again(tmp_path: Path) -> None:
    with Mailbox(keep=tmp_path) as first:
        send(first, letter("one"), letter("two", to="bob@example.com"))
        before = [mail.as_json() for mail in first]
    with Mailbox(keep=tmp_path) as second:
        assert [mail.as_json() for mail in second] == before
        send(second, letter("three"))
        assert [mail.number for mail in second] == [1, 2, 3]
        second.clear()
    assert list(tmp_path.iterdir()) == []


def test_a_taken_port_is_said(mailbox: Mailbox) -> None:
    with pytest.raises(PortTaken, match=str(mailbox.smtp_port)), Mailbox(smtp_port=mailbox.smtp_port):
        pass
    with pytest.raises(PortTaken, match=str(mailbox.http_port)), Mailbox(http_port=mailbox.http_port):
        pass


def test_as_a_program_it_ends_when_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        taken = free.getsockname()[1]
        command = [sys.executable, "-m", "webstreet.testing.mailbox"]
        refused = subprocess.run(
            [*command, "--smtp", str(taken), "--http", "0"], capture_output=True, text=True, timeout=60, check=False
        )
        assert (refused.returncode, "[mailbox.port_taken]" in refused.stderr) == (1, True)
    process = subprocess.Popen([*command, "--smtp", "0", "--http", "0"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    smtp, http = (process.stdout.readline().split()[1] for _ in range(2))
    assert smtp.startswith("smtp://")
    assert httpx.get(http, trust_env=False).status_code == 200
    process.terminate()
    assert process.wait(10) == 0
    process.stdout.close()
