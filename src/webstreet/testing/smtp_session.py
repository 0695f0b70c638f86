"""One connection to the recording SMTP server (`webstreet.testing.smtp`): its conversation, and how it misbehaves.

An asyncio protocol that answers as it reads, so that the server is not what a fast sender waits for. Whatever takes time (a delay, a
slow drip, a TLS handshake) holds the conversation: what comes in meanwhile is read afterwards.
"""

from __future__ import annotations

import asyncio
import base64
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from webstreet.testing.smtp import Behaviour, RecordingSmtpServer

_PATH = re.compile(r"<([^>]*)>")
END = b"\r\n.\r\n"


@dataclass(frozen=True)
class Taken:
    """A message as the conversation gives it to the server. ``parameters``: of its MAIL command, as in ``BODY=8BITMIME``."""

    sender: str
    recipients: list[str]
    content: bytes
    at: float
    parameters: tuple[str, ...] = ()


class Session(asyncio.Protocol):
    """One connection. Everything is called on the server's loop."""

    def __init__(self, server: RecordingSmtpServer) -> None:
        self._server = server
        self._transport: asyncio.Transport
        self._buffer = bytearray()
        self._read: Callable[[], bool] = self._read_command
        self._out: list[bytes] = []
        self._held = False
        self._deaf = False
        self._sender: str | None = None
        self._parameters: tuple[str, ...] = ()
        self._recipients: list[str] = []
        self._chunks: list[bytes] = []
        self._left = 0
        self._is_last = False
        self._user = ""
        self._logged_in = False
        self._secure = server.is_tls
        self._taken = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def _behaviour(self) -> Behaviour:
        return self._server.behaviour

    # -- What asyncio calls ------------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.sessions.add(self)
        self._server.connections += 1
        behaviour = self._behaviour
        if behaviour.drop == "connect":
            transport.close()
        elif behaviour.silent == "connect" or len(self._server.sessions) > (behaviour.greeted or 512):
            self._deaf = True
        elif behaviour.greeting_delay_s:
            self._after(behaviour.greeting_delay_s, lambda: self._say(behaviour.greeting))
        else:
            self._say(behaviour.greeting)
            self._flush()

    def data_received(self, data: bytes) -> None:
        if not self._deaf:
            self._buffer += data
            self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        self._deaf = True
        self._server.sessions.discard(self)

    def close(self) -> None:
        self._deaf = True
        self._transport.abort()

    def _go_on(self) -> None:
        while not self._held and not self._deaf and self._read():
            pass
        self._flush()

    # -- What we say -------------------------------------------------------------------------------------------------
    def _say(self, *lines: str) -> None:
        code = lines[0][:3]
        self._out += [f"{code}-{line[4:]}\r\n".encode() for line in lines[:-1]]
        self._out.append(f"{lines[-1]}\r\n".encode())

    def _flush(self) -> None:
        if not self._out or self._transport.is_closing():
            return
        data = b"".join(self._out)
        self._out.clear()
        if self._behaviour.drip_s:
            self._hold(self._drip(data))
        else:
            self._transport.write(data)

    async def _drip(self, data: bytes) -> None:
        for octet in data:
            self._transport.write(bytes([octet]))
            await asyncio.sleep(self._behaviour.drip_s)

    def _after(self, seconds: float, what: Callable[[], object]) -> None:
        async def wait() -> None:
            await asyncio.sleep(seconds)
            what()

        self._hold(wait())

    def _hold(self, what: object) -> None:
        """Read nothing until ``what`` is over."""

        async def run() -> None:
            try:
                await what  # type: ignore[misc]
            except OSError:
                self._hang_up()
            self._held = False
            if not self._transport.is_closing():
                self._go_on()

        self._held = True
        task = asyncio.ensure_future(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _hang_up(self, *words: str) -> bool:
        """Close, after ``words``. What was to be said before them still goes out."""
        if words:
            self._say(*words)
        self._flush()
        self._deaf = True
        self._transport.close()
        return False

    def _fall_silent(self) -> bool:
        self._flush()
        self._deaf = True
        return False

    # -- Commands ----------------------------------------------------------------------------------------------------
    def _line(self) -> str | None:
        end = self._buffer.find(b"\n")
        if end < 0:
            return None
        line = self._buffer[:end].decode("utf-8", "replace").rstrip("\r")
        del self._buffer[: end + 1]
        return line

    def _read_command(self) -> bool:
        command = self._line()
        if command is None:
            return False
        self._server.commands.append(command)
        verb = command.partition(" ")[0].upper()
        if verb == "QUIT":
            return self._hang_up("221 2.0.0 bye")
        handler = _COMMANDS.get(verb)
        if handler is None:
            self._say("502 5.5.1 unknown command")
            return True
        return handler(self, command)

    def _ehlo(self, _: str) -> bool:
        behaviour = self._behaviour
        if behaviour.old:
            self._say("502 5.5.1 unknown command")
            return True
        lines = ["250 recording.example", "250 ENHANCEDSTATUSCODES"]
        offers = {"8BITMIME": behaviour.eightbit, "PIPELINING": behaviour.pipelining, "CHUNKING": behaviour.chunking}
        offers |= {"SMTPUTF8": behaviour.utf8, f"SIZE {behaviour.size_max}": behaviour.size_max > 0}
        offers |= {"STARTTLS": self._server.is_starttls and not self._secure}
        offers |= {f"AUTH {behaviour.logins}": bool(behaviour.users)}
        self._say(*lines, *(f"250 {word}" for word, offered in offers.items() if offered))
        return True

    def _helo(self, _: str) -> bool:
        self._say("250 recording.example")
        return True

    def _starttls(self, _: str) -> bool:
        fault = self._behaviour.tls_fault
        if fault == "refused":
            self._say("454 4.7.0 TLS not available")
            return True
        self._say("220 2.0.0 go ahead")
        if fault == "hang_up":
            return self._hang_up()
        if fault == "garbage":
            self._flush()
            self._transport.write(b"this is no handshake\r\n" * 10)
            return self._fall_silent()
        self._flush()
        self._buffer.clear()
        self._hold(self._protect())
        return True

    async def _protect(self) -> None:
        context = self._server.context
        assert context is not None
        loop = asyncio.get_running_loop()
        transport = await loop.start_tls(self._transport, self, context, server_side=True)
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._secure = True

    def _auth(self, command: str) -> bool:
        words = command.split()
        if words[1].upper() == "PLAIN":
            _, user, password = base64.b64decode(words[2]).decode().split("\0")
            self._log_in(user, password)
        else:
            self._say("334 VXNlcm5hbWU6")
            self._read = self._read_user
        return True

    def _read_user(self) -> bool:
        line = self._line()
        if line is None:
            return False
        self._user = base64.b64decode(line).decode()
        self._say("334 UGFzc3dvcmQ6")
        self._read = self._read_password
        return True

    def _read_password(self) -> bool:
        line = self._line()
        if line is None:
            return False
        self._read = self._read_command
        self._log_in(self._user, base64.b64decode(line).decode())
        return True

    def _log_in(self, user: str, password: str) -> None:
        if self._behaviour.login:
            self._say(self._behaviour.login)
            return
        self._logged_in = self._behaviour.users.get(user) == password
        self._say("235 2.7.0 welcome" if self._logged_in else "535 5.7.8 wrong user or password")

    # -- One message -------------------------------------------------------------------------------------------------
    def _is_closing_at(self, place: str) -> bool:
        behaviour = self._behaviour
        due = behaviour.closing_after and self._taken >= behaviour.closing_after
        return bool(due) and behaviour.closing_at == place

    def _closing(self) -> bool:
        return self._hang_up("421 4.3.2 closing")

    def _forget(self) -> None:
        self._sender, self._parameters, self._recipients, self._chunks = None, (), [], []

    def _mail(self, command: str) -> bool:
        behaviour = self._behaviour
        if self._is_closing_at("mail"):
            return self._closing()
        if behaviour.users and not self._logged_in:
            self._say("530 5.7.0 log in first")
        elif self._sender is not None:
            self._say("503 5.5.1 one message at a time")
        elif behaviour.sender:
            self._say(behaviour.sender)
        else:
            self._forget()
            self._sender = _path(command)
            self._parameters = tuple(command.rpartition(">")[2].split())
            self._say("250 2.1.0 ok")
        return True

    def _rcpt(self, command: str) -> bool:
        if self._is_closing_at("rcpt"):
            return self._closing()
        if self._sender is None:
            self._say("503 5.5.1 MAIL first")
            return True
        address = _path(command)
        refusal = self._behaviour.recipients.get(address)
        if refusal is None and self._behaviour.greylist and (self._sender, address) not in self._server.seen:
            self._server.seen.add((self._sender, address))
            refusal = "451 4.7.1 Greylisted, please try again later"
        if refusal is None:
            self._recipients.append(address)
        self._say(refusal or "250 2.1.5 ok")
        return True

    @property
    def _dropping(self) -> str | None:
        return self._behaviour.drop if len(self._server.messages) >= self._behaviour.drop_after else None

    def _data(self, _: str) -> bool:
        if self._is_closing_at("data"):
            return self._closing()
        if not self._recipients and not (self._behaviour.granting and self._sender is not None):
            self._say("554 5.5.1 no valid recipients")
            return True
        if self._dropping == "before_data":
            return self._hang_up()
        if self._behaviour.silent == "before_data":
            return self._fall_silent()
        self._say("354 go ahead")
        self._read = self._read_content
        return True

    def _read_content(self) -> bool:
        if self._dropping == "inside_data" and self._buffer:
            self.close()
            return False
        if self._buffer.startswith(b".\r\n"):
            content, end = b"", 3
        else:
            found = self._buffer.find(END)
            if found < 0:
                return False
            content, end = bytes(self._buffer[: found + 2]), found + len(END)
        del self._buffer[:end]
        if content.startswith(b"."):
            content = content[1:]
        self._read = self._read_command
        return self._decide(content.replace(b"\r\n.", b"\r\n"))

    def _bdat(self, command: str) -> bool:
        words = command.split()
        self._left, self._is_last = int(words[1]), words[-1].upper() == "LAST"
        if self._recipients and self._dropping == "before_data":
            return self._hang_up()
        if self._recipients and self._behaviour.silent == "before_data":
            return self._fall_silent()
        self._read = self._read_chunk
        return True

    def _read_chunk(self) -> bool:
        if self._dropping == "inside_data" and self._recipients:
            self.close()
            return False
        if len(self._buffer) < self._left:
            return False
        self._chunks.append(bytes(self._buffer[: self._left]))
        del self._buffer[: self._left]
        self._read = self._read_command
        if self._behaviour.bdat:
            self._say(self._behaviour.bdat)
        elif not self._recipients:
            self._say("503 5.5.1 no valid recipients")
        elif self._is_last:
            return self._decide(b"".join(self._chunks))
        else:
            self._say("250 2.0.0 go on")
        return True

    def _decide(self, content: bytes) -> bool:
        if self._behaviour.held is not None:
            self._hold(self._when_let_go(content, self._behaviour.held, list(self._recipients)))
            return True
        delay = self._behaviour.delay_s
        if seconds := delay(self._recipients) if callable(delay) else delay:
            self._after(seconds, lambda: self._conclude(content))
            return True
        return self._conclude(content)

    async def _when_let_go(self, content: bytes, held: Callable[[list[str]], bool], recipients: list[str]) -> None:
        while held(recipients):
            await asyncio.sleep(0.02)
        self._conclude(content)

    def _conclude(self, content: bytes) -> bool:
        behaviour, dropping = self._behaviour, self._dropping
        if self._is_closing_at("end"):
            return self._closing()
        recipients, sender, parameters = self._recipients, self._sender or "", self._parameters
        self._forget()
        if not recipients:
            self._say("554 5.5.1 no valid recipients")
            return True
        refusal = behaviour.content(recipients) if callable(behaviour.content) else behaviour.content
        if not refusal:
            self._taken += 1
            self._server.take(Taken(sender, recipients, content, time.monotonic(), parameters))
        if dropping == "after_data":
            return self._hang_up()
        if behaviour.silent == "after_data":
            return self._fall_silent()
        self._say(refusal or "250 2.0.0 queued")
        return True

    def _rset(self, _: str) -> bool:
        self._forget()
        self._say("250 2.0.0 ok")
        return True

    def _noop(self, _: str) -> bool:
        self._say("250 2.0.0 ok")
        return True


_COMMANDS: dict[str, Callable[[Session, str], bool]] = {
    "EHLO": Session._ehlo,
    "HELO": Session._helo,
    "STARTTLS": Session._starttls,
    "AUTH": Session._auth,
    "MAIL": Session._mail,
    "RCPT": Session._rcpt,
    "DATA": Session._data,
    "BDAT": Session._bdat,
    "RSET": Session._rset,
    "NOOP": Session._noop,
}


def _path(command: str) -> str:
    match = _PATH.search(command)
    return match.group(1) if match else ""
