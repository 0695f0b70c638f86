"""One SMTP connection: greeting, EHLO, TLS, login, and transactions (RFC 5321, 2920 pipelining, 3207 STARTTLS, 4954 AUTH)."""

from __future__ import annotations

import asyncio
import base64
import ssl
import time

from webstreet.mail.errors import MailServerAway, SenderRefused
from webstreet.mail.pump import Envelope, Outcome, Result
from webstreet.mail.reply import Meaning, Reply, Stage, meaning
from webstreet.mail.url import EmailUrl

CONNECT_TIMEOUT_S = 10.0
REPLY_MAX = 8192
"""Octets of one reply line that we are ready to read; RFC 5321 says 512."""


class ClosedAfterContent(Exception):
    """The connection ended between the last byte of the content and the reply: nobody can know whether it was taken.

    ``silent``: it did not close, but no reply came in time.
    """

    def __init__(self, *, silent: bool) -> None:
        super().__init__()
        self.silent = silent


class SmtpConnection:
    """A connection that is open and logged in, or `open` raises.

    Args:
        helo: our name for EHLO.
        timeout_s: for each single step (connecting, one reply).
    """

    def __init__(self, url: EmailUrl, *, helo: str, timeout_s: float) -> None:
        self._url = url
        self._helo = helo
        self._timeout_s = timeout_s
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter | None = None
        self._features: dict[str, str] = {}
        self.used = 0
        self.heard = 0
        """Signs of life of the server: connecting, and each whole reply."""
        self.idle_since = time.monotonic()

    @property
    def is_open(self) -> bool:
        return self._writer is not None and not self._writer.is_closing() and not self._reader.at_eof()

    async def open(self) -> None:
        """Connect, greet, protect, log in.

        Raises:
            MailServerAway: not reachable, no TLS, or it asks us to come back later.
            SenderRefused: it does not want us, or the login is wrong.
        """
        try:
            await self._connect()
            self._expect(await self._reply(), Stage.CONNECT)
            await self._hello()
            await self._protect()
            await self._login()
        except (MailServerAway, SenderRefused):
            self.drop()
            raise
        except ssl.SSLError:
            self.drop()
            raise MailServerAway(
                f"The mail server {self._url} offers no TLS that we can trust: check its certificate.",
                code="mail_server.tls",
            ) from None
        except (OSError, TimeoutError, EOFError, asyncio.IncompleteReadError, ValueError):
            self.drop()
            raise MailServerAway(f"The mail server {self._url} does not answer.") from None
        except asyncio.CancelledError:
            self.drop()
            raise

    async def _connect(self) -> None:
        context = self._tls_context() if self._url.protection == "tls" else None
        self._reader, self._writer = await asyncio.wait_for(
            asyncio.open_connection(self._url.host, self._url.port, ssl=context, limit=REPLY_MAX),
            min(self._timeout_s, CONNECT_TIMEOUT_S),
        )
        self.heard += 1

    def _tls_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self._url.ca_file or None)
        if self._url.protection == "opportunistic":
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    async def _hello(self) -> None:
        reply = await self._command(f"EHLO {self._helo}")
        if 500 <= reply.code < 600:
            self._expect(await self._command(f"HELO {self._helo}"), Stage.CONNECT)
            self._features = {}
            return
        self._expect(reply, Stage.CONNECT)
        lines = reply.text.split("\n")[1:]
        self._features = {line.partition(" ")[0].upper(): line.partition(" ")[2].upper() for line in lines}

    async def _protect(self) -> None:
        if self._url.protection == "tls":
            return
        if "STARTTLS" not in self._features:
            if self._url.protection == "starttls":
                raise MailServerAway(
                    f"The mail server {self._url} offers no STARTTLS, and EMAIL_URL demands it.", code="mail_server.tls"
                )
            return
        self._expect(await self._command("STARTTLS"), Stage.CONNECT)
        assert self._writer is not None  # noqa: S101 for the type checker
        await asyncio.wait_for(
            self._writer.start_tls(self._tls_context(), server_hostname=self._url.host), self._timeout_s
        )
        await self._hello()

    async def _login(self) -> None:
        if not self._url.user:
            return
        methods = self._features.get("AUTH", "").split()
        user, password = self._url.user, self._url.password.reveal()
        if "PLAIN" in methods:
            token = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
            reply = await self._command(f"AUTH PLAIN {token}")
        elif "LOGIN" in methods:
            self._expect(await self._command("AUTH LOGIN"), Stage.AUTH)
            self._expect(await self._command(base64.b64encode(user.encode()).decode()), Stage.AUTH)
            reply = await self._command(base64.b64encode(password.encode()).decode())
        else:
            raise SenderRefused(
                f"The mail server {self._url} offers no login that we know, and EMAIL_URL names a user.",
                code="sender.login",
            )
        if meaning(reply, Stage.AUTH) is Meaning.SENDER_REFUSED:
            raise SenderRefused(
                f"The mail server {self._url} refuses the login of EMAIL_URL.", detail=reply.short, code="sender.login"
            )
        self._expect(reply, Stage.AUTH)

    async def transact(self, envelope: Envelope, *, until: float) -> Result:
        """Send one message; given up at ``until`` (``time.monotonic()``), which is uncertain once the content left.

        Raises:
            MailServerAway: before the content was complete: the server must forget the message (RFC 5321 4.1.1.4).
            ClosedAfterContent: after it.
            SenderRefused: the server refuses the sender, not this recipient.
        """
        self.used += 1
        try:
            async with asyncio.timeout(until - time.monotonic()):
                refused = await self._envelope(envelope)
        except (OSError, TimeoutError, EOFError, ValueError):
            self.drop()
            raise MailServerAway(f"The mail server {self._url} closed the connection.") from None
        if refused is not None:
            return self._refusal(envelope, *refused)
        return await self._content(envelope, until)

    async def _envelope(self, envelope: Envelope) -> tuple[Reply, Stage] | None:
        """MAIL, RCPT, DATA; None when the server waits for content, else the first refusal."""
        commands = (
            (f"MAIL FROM:<{envelope.sender}>", Stage.MAIL),
            (f"RCPT TO:<{envelope.recipient}>", Stage.RCPT),
            ("DATA", Stage.DATA),
        )
        if "PIPELINING" not in self._features:
            for command, stage in commands:
                reply = await self._command(command)
                if meaning(reply, stage) is not Meaning.OK:
                    await self._reset(reply)
                    return reply, stage
            return None
        self._write("".join(f"{command}\r\n" for command, _ in commands).encode("ascii"))
        replies = [(await self._reply(), stage) for _, stage in commands]
        refused = next((r for r in replies if meaning(*r) is not Meaning.OK), None)
        if refused is None:
            return None
        if (
            meaning(*replies[-1]) is Meaning.OK
        ):  # 354 although a recipient was refused: end an empty message (RFC 2920 3.1)
            self._write(b".\r\n")
            await self._reply()
        await self._reset(refused[0])
        return refused

    async def _reset(self, reply: Reply) -> None:
        if reply.code == 421:
            self.drop()
        else:
            await self._command("RSET")

    async def _content(self, envelope: Envelope, until: float) -> Result:
        body = envelope.content.replace(b"\r\n.", b"\r\n..")
        if body.startswith(b"."):
            body = b"." + body
        end = b".\r\n" if body.endswith(b"\r\n") else b"\r\n.\r\n"
        try:
            self._write(body + end)
            assert self._writer is not None  # noqa: S101 for the type checker
            async with asyncio.timeout(until - time.monotonic()):
                await asyncio.wait_for(self._writer.drain(), self._timeout_s)
                reply = await self._reply()
        except TimeoutError:
            self.drop()
            raise ClosedAfterContent(silent=True) from None
        except (OSError, EOFError, ValueError):
            self.drop()
            raise ClosedAfterContent(silent=False) from None
        finally:
            self.idle_since = time.monotonic()
        if meaning(reply, Stage.END) is Meaning.OK:
            return Result(envelope.key, Outcome.SENT, reply.short)
        return self._refusal(envelope, reply, Stage.END)

    def _refusal(self, envelope: Envelope, reply: Reply, stage: Stage) -> Result:
        what = meaning(reply, stage)
        if what is Meaning.SENDER_REFUSED:
            self.drop()
            raise SenderRefused(
                f"The mail server {self._url} refuses the sender.",
                detail=f"{stage} {reply.short}",
                code="sender.policy",
            )
        if what is Meaning.CLOSING:
            self.drop()
            raise MailServerAway(
                f"The mail server {self._url} closes the connection.", detail=reply.short, code="mail_server.busy"
            )
        outcome = Outcome.DEFERRED if what is Meaning.DEFERRED else Outcome.FAILED
        return Result(envelope.key, outcome, reply.short, reply.told(envelope.recipient))

    def _expect(self, reply: Reply, stage: Stage) -> None:
        what = meaning(reply, stage)
        if what is Meaning.OK:
            return
        if what is Meaning.SENDER_REFUSED:
            raise SenderRefused(f"The mail server {self._url} refuses us.", detail=f"{stage} {reply.short}")
        raise MailServerAway(
            f"The mail server {self._url} asks to wait.", detail=f"{stage} {reply.short}", code="mail_server.busy"
        )

    async def _command(self, line: str) -> Reply:
        self._write(f"{line}\r\n".encode("ascii"))
        return await self._reply()

    def _write(self, data: bytes) -> None:
        if self._writer is None or self._writer.is_closing():
            raise EOFError
        self._writer.write(data)

    async def _reply(self) -> Reply:
        lines: list[str] = []
        while True:
            raw = await asyncio.wait_for(self._reader.readline(), self._timeout_s)
            if not raw.endswith(b"\n"):
                raise EOFError
            line = raw.decode("ascii", "replace").rstrip("\r\n")
            if not line[:3].isdigit() or len(lines) > 100:
                raise ValueError("not an SMTP reply")
            lines.append(line[4:])
            if line[3:4] != "-":
                self.heard += 1
                return Reply(int(line[:3]), "\n".join(lines))

    async def quit(self) -> None:
        """Say QUIT and close; whatever happens, the connection is gone afterwards."""
        try:
            await asyncio.wait_for(self._command("QUIT"), 1)
        except (OSError, TimeoutError, EOFError, ValueError):
            pass
        finally:
            self.drop()

    def leave(self) -> None:
        """Say QUIT and close without waiting for an answer."""
        if self.is_open:
            self._write(b"QUIT\r\n")
        self.drop()

    def drop(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
