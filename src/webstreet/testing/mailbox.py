"""A mailbox for everything a demo or a test sends: a real SMTP server in front, a page to read the mails behind.

    python -m webstreet.testing.mailbox --smtp 1025 --http 8025 [--keep FOLDER]

    with Mailbox() as mailbox:                      # free ports; started when the block is entered
        ...send to mailbox.smtp_url...
        mail = mailbox.wait_for(lambda m: m.to == "ann@example.com")

It accepts every address, and relays nothing. ``replies`` lets a test refuse some ("550 5.1.1 No such user"). The page is in
`webstreet.testing.mailbox_web`; its JSON is at ``/messages.json``. aiosmtpd, which speaks SMTP, is in the ``dev`` extra.
"""

from __future__ import annotations

import argparse
import datetime as dt
import email
import email.policy
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage, Message
from functools import cached_property
from pathlib import Path
from typing import Any

from webstreet.kernel.errors import Unavailable

MESSAGE_LIMIT = 32 * 1024 * 1024
"""Bytes of the largest message taken; announced by SIZE (RFC 1870)."""


class PortTaken(Unavailable):
    """The mailbox cannot listen where it was asked to."""

    code = "mailbox.port_taken"


class MailMissing(Unavailable):
    """A mail that a test or the demo waited for did not come."""

    code = "mailbox.mail_missing"


@dataclass(frozen=True)
class Mail:
    """One mail as it arrived for one transaction.

    Attributes:
        number: 1, 2, 3... in order of arrival; stable.
        sender: envelope sender (Return-Path); may be empty.
        recipients: envelope recipients, in the order of RCPT.
        raw: the message as sent, CRLF line ends, dots unstuffed.
    """

    number: int
    received_at: dt.datetime
    sender: str
    recipients: tuple[str, ...]
    raw: bytes = field(repr=False)

    @cached_property
    def message(self) -> EmailMessage:
        parsed: Any = email.message_from_bytes(self.raw, policy=email.policy.default)
        return parsed

    @property
    def to(self) -> str:
        """The first envelope recipient, lower-case."""
        return self.recipients[0].lower() if self.recipients else ""

    @cached_property
    def subject(self) -> str:
        return self.header("Subject")

    @cached_property
    def message_id(self) -> str:
        return self.header("Message-ID")

    def header(self, name: str) -> str:
        """One header, unfolded and decoded; empty if it is absent."""
        return " ".join(str(self.message.get(name, "")).split())

    @cached_property
    def headers(self) -> list[tuple[str, str]]:
        return [(name, " ".join(str(value).split())) for name, value in self.message.items()]

    @cached_property
    def text(self) -> str:
        return self._part("plain")

    @cached_property
    def html(self) -> str:
        return self._part("html")

    def _part(self, kind: str) -> str:
        part = self.message.get_body(preferencelist=(kind,))
        return _decoded(part) if part is not None else ""

    @cached_property
    def embedded(self) -> dict[str, tuple[str, bytes]]:
        """Parts that the HTML shows by ``cid:``: Content-ID -> (type, bytes)."""
        found = {}
        for part in self.message.walk():
            if name := str(part.get("Content-ID", "")).strip("<> "):
                payload = part.get_payload(decode=True)
                found[name] = (part.get_content_type(), payload if isinstance(payload, bytes) else b"")
        return found

    @property
    def unsubscribe_url(self) -> str:
        """The http(s) address of List-Unsubscribe (RFC 2369), to be POSTed to (RFC 8058); empty if there is none."""
        for entry in self.header("List-Unsubscribe").split(","):
            address = entry.strip().strip("<>").strip()
            if address.startswith(("http://", "https://")):
                return address
        return ""

    def as_json(self) -> dict[str, Any]:
        """What ``/messages.json`` says of it."""
        return {
            "number": self.number,
            "received_at": self.received_at.isoformat(timespec="milliseconds"),
            "sender": self.sender,
            "recipients": list(self.recipients),
            "from": self.header("From"),
            "to": self.header("To"),
            "subject": self.subject,
            "message_id": self.message_id,
            "list_unsubscribe": self.unsubscribe_url,
            "one_click": self.header("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click",
            "size_bytes": len(self.raw),
            "text": self.text,
            "url": f"/messages/{self.number}",
        }


def _decoded(part: Message) -> str:
    """The text of a part; a wrong or unknown charset never makes a mail unreadable."""
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        return payload.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:
        return payload.decode("utf-8", "replace")


class Mailbox:
    """The mails, and the two servers. Thread-safe.

    Args:
        smtp_port, http_port: 0 takes a free one; see `smtp_url` and `url` afterwards.
        keep: folder in which mails are kept as .eml files and found again at the next start; None: memory only.
        replies: called with each recipient; a text such as "550 5.1.1 No such user" refuses it, None takes it.

    Raises:
        PortTaken: when entered, if somebody listens there already.
    """

    def __init__(
        self,
        *,
        smtp_port: int = 0,
        http_port: int = 0,
        host: str = "127.0.0.1",
        keep: Path | None = None,
        replies: Callable[[str], str | None] = lambda recipient: None,
    ) -> None:
        self.host, self.keep, self.replies = host, keep, replies
        self._wanted_smtp, self._wanted_http = smtp_port, http_port
        self._mails: list[Mail] = []
        self._changed = threading.Condition()
        self._servers: list[Any] = []
        self.closing = threading.Event()
        self.smtp_port = self.http_port = 0

    # Reading

    @property
    def smtp_url(self) -> str:
        return f"smtp://{self.host}:{self.smtp_port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.http_port}"

    def mails(self, *, after: int = 0) -> list[Mail]:
        """All mails with a number above ``after``, oldest first."""
        with self._changed:
            return [mail for mail in self._mails if mail.number > after]

    def __iter__(self) -> Iterator[Mail]:
        return iter(self.mails())

    def __len__(self) -> int:
        return len(self._mails)

    def find(self, number: int) -> Mail | None:
        with self._changed:
            return next((mail for mail in self._mails if mail.number == number), None)

    def wait_for(self, match: Callable[[Mail], bool], *, timeout_s: float = 20.0, after: int = 0) -> Mail:
        """The first mail that matches, as soon as it is there. Raises `MailMissing` after ``timeout_s``."""
        deadline = time.monotonic() + timeout_s
        while True:
            for mail in self.mails(after=after):
                if match(mail):
                    return mail
                after = mail.number
            left = deadline - time.monotonic()
            if left <= 0:
                raise MailMissing(
                    f"The mail did not arrive within {timeout_s:g} s ({len(self)} others did)."
                    " See the worker's log of the site, and whether EMAIL_URL names this mailbox."
                )
            self.wait_beyond(after, timeout_s=left)

    def wait_beyond(self, number: int, *, timeout_s: float) -> bool:
        """Wait until there is a mail with a higher number; False when the time is over or the mailbox closes."""
        with self._changed:
            self._changed.wait_for(
                lambda: self.closing.is_set() or (bool(self._mails) and self._mails[-1].number > number), timeout_s
            )
            return bool(self._mails) and self._mails[-1].number > number

    # Writing

    def add(self, sender: str, recipients: list[str], raw: bytes) -> Mail:
        with self._changed:
            number = self._mails[-1].number + 1 if self._mails else 1
            mail = Mail(number, dt.datetime.now(dt.UTC), sender, tuple(recipients), raw)
            if self.keep:
                _write(self.keep, mail)
            self._mails.append(mail)
            self._changed.notify_all()
        return mail

    def clear(self) -> None:
        with self._changed:
            for mail in self._mails if self.keep else ():
                _path(self.keep, mail.number).unlink(missing_ok=True)
            self._mails.clear()

    # Running

    def __enter__(self) -> Mailbox:
        from webstreet.testing.mailbox_smtp import start_smtp
        from webstreet.testing.mailbox_web import start_web

        if self.keep:
            self.keep.mkdir(parents=True, exist_ok=True)
            self._mails = [_read(path) for path in sorted(self.keep.glob("*.eml"))]
        try:
            smtp = start_smtp(self, self.host, self._wanted_smtp)
            self._servers.append(smtp)
            self.smtp_port = smtp.port
            web = start_web(self, self.host, self._wanted_http)
            self._servers.append(web)
            self.http_port = web.port
        except OSError as error:
            self.stop()
            port = self._wanted_http if self.smtp_port else self._wanted_smtp
            raise PortTaken(
                f"The mailbox cannot listen on {self.host}:{port}: {error.strerror}. Choose another port."
            ) from None
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop_smtp(self) -> None:
        """Let the mail server go away while the page stays: its port is closed from now on. What a sender sees then is real."""
        self._servers.pop(0).close()

    def stop(self) -> None:
        """Stop both servers. May be repeated."""
        self.closing.set()
        with self._changed:
            self._changed.notify_all()
        while self._servers:
            self._servers.pop().close()


def _path(folder: Path | None, number: int) -> Path:
    return (folder or Path()) / f"{number:07d}.eml"


def _write(folder: Path, mail: Mail) -> None:
    envelope = f"X-Mailbox-Received: {mail.received_at.isoformat()}\r\nX-Mailbox-From: {mail.sender}\r\n"
    envelope += f"X-Mailbox-To: {', '.join(mail.recipients)}\r\n"
    _path(folder, mail.number).write_bytes(envelope.encode() + mail.raw)


def _read(path: Path) -> Mail:
    received, sender, recipients, raw = path.read_bytes().split(b"\r\n", 3)
    value = [line.decode().partition(": ")[2] for line in (received, sender, recipients)]
    return Mail(int(path.stem), dt.datetime.fromisoformat(value[0]), value[1], tuple(value[2].split(", ")), raw)


def main(arguments: list[str] | None = None) -> int:
    """The command line; runs until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(
        prog="python -m webstreet.testing.mailbox",
        description="Catch every mail sent to an SMTP port, and show them on a page. Nothing is relayed.",
    )
    parser.add_argument("--smtp", type=int, default=1025, metavar="PORT", help="SMTP port (1025; 0: a free one)")
    parser.add_argument("--http", type=int, default=8025, metavar="PORT", help="port of the page (8025; 0: a free one)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep mails here, and find them at the next start")
    chosen = parser.parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    box = Mailbox(smtp_port=chosen.smtp, http_port=chosen.http, host=chosen.host, keep=chosen.keep)
    try:
        with box:
            print(f"smtp {box.smtp_url}\nhttp {box.url}", flush=True)
            stop.wait()
    except PortTaken as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    with suppress(BrokenPipeError):
        print(f"{len(box)} mails were caught.", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
