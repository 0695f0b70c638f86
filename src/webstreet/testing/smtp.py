"""A real SMTP server on loopback that records what it accepts and misbehaves as it is told.

    with RecordingSmtpServer() as server:
        ...                      # send to server.url
        server.wait_for(3)
        server.messages[0].parsed["Subject"]

It runs in a thread of its own. `Behaviour` may be changed while it runs: `server.behaviour = Behaviour(drop="inside_data")`.
"""

from __future__ import annotations

import asyncio
import base64
import email
import email.policy
import re
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Literal, Self

Drop = Literal["connect", "before_data", "inside_data", "after_data"]
Silence = Literal["connect", "before_data", "after_data"]


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
        closing_after: answer 421 to MAIL after that many messages on one connection; 0: never.
        delay_s: wait before each reply to content.
        greeting: first line, ``greeting_delay_s`` after the connection.
        users: name -> password; when set, MAIL without login gets 530.
    """

    recipients: Mapping[str, str] = field(default_factory=dict)
    sender: str = ""
    content: str | Callable[[list[str]], str] = ""
    drop: Drop | None = None
    silent: Silence | None = None
    drop_after: int = 0
    closing_after: int = 0
    delay_s: float = 0.0
    greeting: str = "220 recording.example ESMTP"
    greeting_delay_s: float = 0.0
    pipelining: bool = True
    users: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Received:
    """One accepted message (or, after ``after_data``, one that was taken without a reply)."""

    sender: str
    recipients: list[str]
    content: bytes
    at: float

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
        self._context: ssl.SSLContext | None = None
        if certificate:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(*certificate)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="recording-smtp", daemon=True)
        self._ready = threading.Event()
        self._changed = threading.Condition()
        self._stop: asyncio.Event
        self._open: set[asyncio.Task[None]] = set()

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
        context = self._context if self._tls == "tls" else None
        server = await asyncio.start_server(
            self._accept, "127.0.0.1", self.port, ssl=context, limit=1 << 20, backlog=512
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.connections += 1
        try:
            await _Session(self, reader, writer).run()
        except (OSError, asyncio.IncompleteReadError, ValueError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(task)
            writer.close()

    def record(self, message: Received) -> None:
        with self._changed:
            self.messages.append(message)
            self._changed.notify_all()


class _Hangup(OSError):
    pass


class _Session:
    def __init__(self, server: RecordingSmtpServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._sender = ""
        self._recipients: list[str] = []
        self._logged_in = False
        self._secure = server._tls == "tls"
        self._taken = 0

    async def run(self) -> None:
        behaviour = self._server.behaviour
        if behaviour.drop == "connect":
            return
        if behaviour.silent == "connect":
            await self._listen_in_silence()
        await asyncio.sleep(behaviour.greeting_delay_s)
        await self._say(behaviour.greeting)
        while line := await self._reader.readline():
            command = line.decode("ascii", "replace").rstrip("\r\n")
            self._server.commands.append(command)
            verb = command.partition(" ")[0].upper()
            if verb == "QUIT":
                await self._say("221 2.0.0 bye")
                return
            handler = getattr(self, f"_{verb.lower()}", None)
            if handler is None:
                await self._say("502 5.5.1 unknown command")
            else:
                await handler(command)

    async def _listen_in_silence(self) -> None:
        while await self._reader.read(65_536):
            pass
        raise _Hangup

    async def _say(self, *lines: str) -> None:
        code = lines[0][:3]
        out = [f"{code}-{line[4:]}" for line in lines[:-1]] + [lines[-1]]
        self._writer.write(("\r\n".join(out) + "\r\n").encode())
        await self._writer.drain()

    async def _ehlo(self, _: str) -> None:
        lines = ["250 recording.example", "250 8BITMIME", "250 ENHANCEDSTATUSCODES"]
        if self._server.behaviour.pipelining:
            lines.append("250 PIPELINING")
        if self._server._tls == "starttls" and not self._secure:
            lines.append("250 STARTTLS")
        if self._server.behaviour.users:
            lines.append("250 AUTH PLAIN LOGIN")
        await self._say(*lines)

    async def _helo(self, _: str) -> None:
        await self._say("250 recording.example")

    async def _starttls(self, _: str) -> None:
        await self._say("220 2.0.0 go ahead")
        assert self._server._context is not None
        await self._writer.start_tls(self._server._context)
        self._secure = True

    async def _auth(self, command: str) -> None:
        words = command.split()
        if words[1].upper() == "PLAIN":
            _, user, password = base64.b64decode(words[2]).decode().split("\0")
        else:
            await self._say("334 VXNlcm5hbWU6")
            user = base64.b64decode(await self._reader.readline()).decode()
            await self._say("334 UGFzc3dvcmQ6")
            password = base64.b64decode(await self._reader.readline()).decode()
        self._logged_in = self._server.behaviour.users.get(user) == password
        await self._say("235 2.7.0 welcome" if self._logged_in else "535 5.7.8 wrong user or password")

    async def _mail(self, command: str) -> None:
        behaviour = self._server.behaviour
        if behaviour.closing_after and self._taken >= behaviour.closing_after:
            await self._say("421 4.3.2 closing")
            raise _Hangup
        if behaviour.users and not self._logged_in:
            await self._say("530 5.7.0 log in first")
            return
        if behaviour.sender:
            await self._say(behaviour.sender)
            return
        self._sender, self._recipients = _path(command), []
        await self._say("250 2.1.0 ok")

    async def _rcpt(self, command: str) -> None:
        if not self._sender:
            await self._say("503 5.5.1 MAIL first")
            return
        address = _path(command)
        refusal = self._server.behaviour.recipients.get(address)
        if refusal is None:
            self._recipients.append(address)
        await self._say(refusal or "250 2.1.5 ok")

    async def _data(self, _: str) -> None:
        behaviour = self._server.behaviour
        dropping = behaviour.drop if len(self._server.messages) >= behaviour.drop_after else None
        if not self._recipients:
            await self._say("554 5.5.1 no valid recipients")
            return
        if dropping == "before_data":
            raise _Hangup
        if behaviour.silent == "before_data":
            await self._listen_in_silence()
        await self._say("354 go ahead")
        if dropping == "inside_data":
            await self._reader.readline()
            self._writer.transport.abort()
            raise _Hangup
        content = await self._content()
        if behaviour.delay_s:
            await asyncio.sleep(behaviour.delay_s)
        refusal = behaviour.content(self._recipients) if callable(behaviour.content) else behaviour.content
        if not refusal:
            self._taken += 1
            self._server.record(Received(self._sender, list(self._recipients), content, time.monotonic()))
        self._sender, self._recipients = "", []
        if dropping == "after_data":
            raise _Hangup
        if behaviour.silent == "after_data":
            await self._listen_in_silence()
        await self._say(refusal or "250 2.0.0 queued")

    async def _content(self) -> bytes:
        lines = []
        while (line := await self._reader.readline()) != b".\r\n":
            if not line:
                raise _Hangup
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    async def _rset(self, _: str) -> None:
        self._sender, self._recipients = "", []
        await self._say("250 2.0.0 ok")

    async def _noop(self, _: str) -> None:
        await self._say("250 2.0.0 ok")


def _path(command: str) -> str:
    match = re.search(r"<([^>]*)>", command)
    return match.group(1) if match else ""
