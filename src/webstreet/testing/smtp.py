"""A real SMTP server on loopback that records what it accepts and misbehaves as it is told.

    with RecordingSmtpServer() as server:
        ...                      # send to server.url
        server.wait_for(3)
        server.messages[0].parsed["Subject"]

It runs in a thread of its own. `Behaviour` may be changed while it runs: `server.behaviour = Behaviour(drop="inside_data")`.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Literal, Self

from webstreet.testing.smtp_session import Session, Taken

Drop = Literal["connect", "before_data", "inside_data", "after_data"]
Silence = Literal["connect", "before_data", "after_data"]
Place = Literal["mail", "rcpt", "data", "end"]
TlsFault = Literal["", "refused", "hang_up", "garbage"]


@dataclass(frozen=True)
class Behaviour:
    """How the server answers. The default accepts everything.

    Attributes:
        recipients: address -> reply line given to its RCPT ("550 5.1.1 no such user", "451 4.7.1 later").
        sender: reply line to every MAIL; empty: accept.
        content: reply line after the content; empty: accept. May be computed from the recipients.
        drop: close the connection without a word at that place; "after_data" records the message and gives no reply.
        silent: keep the connection open and say nothing more from that place on; what comes "after_data" is recorded.
        drop_after: let that many messages through first, then `drop`.
        closing_after: answer 421 after that many messages on one connection; 0: never. ``closing_at``: to which command.
        delay_s: wait before each reply to content. May be computed from the recipients.
        held: the reply to a content waits for as long as this says so of its recipients.
        drip_s: every octet the server says goes out by itself, that long after the one before.
        greeting: first line, ``greeting_delay_s`` after the connection.
        greeted: so many connections at a time; any more are accepted and hear nothing. 0: all of them.
        greylist: defer each sender and recipient the first time they are seen together.
        granting: answer 354 to DATA although every recipient was refused.
        old: know no EHLO.
        pipelining, chunking, eightbit, utf8, size_max: what is offered after EHLO. ``bdat``: reply line to every BDAT, content and all.
        users: name -> password; when set, MAIL without login gets 530. ``logins``: the methods offered.
        login: reply line to every login; empty: look whether it is right.
        tls_fault: what goes wrong at STARTTLS.
    """

    recipients: Mapping[str, str] = field(default_factory=dict)
    sender: str = ""
    content: str | Callable[[list[str]], str] = ""
    drop: Drop | None = None
    silent: Silence | None = None
    drop_after: int = 0
    closing_after: int = 0
    closing_at: Place = "mail"
    delay_s: float | Callable[[list[str]], float] = 0.0
    held: Callable[[list[str]], bool] | None = None
    drip_s: float = 0.0
    greeting: str = "220 recording.example ESMTP"
    greeting_delay_s: float = 0.0
    greeted: int = 0
    greylist: bool = False
    granting: bool = False
    old: bool = False
    pipelining: bool = True
    chunking: bool = False
    bdat: str = ""
    eightbit: bool = True
    utf8: bool = False
    size_max: int = 0
    users: Mapping[str, str] = field(default_factory=dict)
    logins: str = "PLAIN LOGIN"
    login: str = ""
    tls_fault: TlsFault = ""


@dataclass(frozen=True)
class Received(Taken):
    """One accepted message (or, after ``after_data``, one that was taken without a reply)."""

    @property
    def parsed(self) -> EmailMessage:
        message = email.message_from_bytes(self.content, policy=email.policy.SMTP)
        assert isinstance(message, EmailMessage)
        return message

    def body(self, subtype: str) -> str:
        """The text of the first ``text/<subtype>`` part, lines ended by LF."""
        part = self.parsed.get_body(preferencelist=(subtype,))
        assert part is not None, f"no text/{subtype} part"
        content: str = part.get_content()
        return content.replace("\r\n", "\n")


class RecordingSmtpServer:
    """Context manager. ``port`` 0 takes a free one.

    Args:
        tls: "none", "starttls" (offered) or "tls" (from the first byte); needs ``certificate`` (paths of certificate and key).
    """

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        *,
        port: int = 0,
        tls: Literal["none", "starttls", "tls"] = "none",
        certificate: tuple[str, str] | None = None,
    ) -> None:
        self.behaviour = behaviour or Behaviour()
        self.messages: list[Received] = []
        self.connections = 0
        self.commands: list[str] = []
        self.port = port
        self._tls = tls
        self.context: ssl.SSLContext | None = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="recording-smtp", daemon=True)
        self._ready = threading.Event()
        self._changed = threading.Condition()
        self._stop: asyncio.Event
        self.sessions: set[Session] = set()
        self.seen: set[tuple[str, str]] = set()

    @property
    def is_tls(self) -> bool:
        return self._tls == "tls"

    @property
    def is_starttls(self) -> bool:
        return self._tls == "starttls"

    @property
    def url(self) -> str:
        return f"{'smtps' if self._tls == 'tls' else 'smtp'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the recording SMTP server did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Close the port and every connection; again is fine."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def wait_for(self, count: int, *, timeout_s: float = 20.0) -> list[Received]:
        """Wait until ``count`` messages have arrived; fails with what came instead."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while len(self.messages) < count:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"{len(self.messages)} of {count} messages arrived in {timeout_s} s")
                self._changed.wait(left)
            return list(self.messages)

    def to(self, address: str) -> list[Received]:
        """Messages for ``address``, oldest first."""
        return [m for m in list(self.messages) if address in m.recipients]

    def forget(self) -> None:
        """Drop what was recorded."""
        with self._changed:
            self.messages.clear()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        loop, context = asyncio.get_running_loop(), self.context if self.is_tls else None
        server = await loop.create_server(lambda: Session(self), "127.0.0.1", self.port, ssl=context, backlog=512)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for session in list(self.sessions):
            session.close()
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def take(self, message: Taken) -> None:
        received = Received(message.sender, message.recipients, message.content, message.at, message.parameters)
        with self._changed:
            self.messages.append(received)
            self._changed.notify_all()
