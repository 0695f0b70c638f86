"""One SMTP connection: greeting, EHLO, TLS, login, then exchanges (RFC 5321, 3207 STARTTLS, 4954 AUTH)."""

from __future__ import annotations

import asyncio
import base64
import ssl
import time
from dataclasses import replace

from webstreet.mail.errors import MailServerAway, SenderRefused
from webstreet.mail.exchange import End, Exchange, Work
from webstreet.mail.features import Features
from webstreet.mail.pump import Envelope
from webstreet.mail.reply import Meaning, Reply, Stage, meaning
from webstreet.mail.sockets import connected
from webstreet.mail.url import EmailUrl
from webstreet.mail.wire import Asking, Wire

CONNECT_TIMEOUT_S = 10.0


class SmtpConnection:
    """A connection that is open and logged in, or `open` raises.

    Args:
        helo: our name for EHLO.
        timeout_s: for each single step (connecting, one reply).
        chunking: use it where it is offered.

    Attributes:
        used: messages that were begun on it.
        is_proven: the server said something definite about one of them. ``has_carried``: after its content.
        idle_since: ``time.monotonic()`` of its last use.
    """

    def __init__(self, url: EmailUrl, *, helo: str, timeout_s: float, chunking: bool = True) -> None:
        self._url = url
        self._helo = helo
        self._timeout_s = timeout_s
        self._asking = Asking()
        self._wire = Wire(self._asking)
        self._features = Features()
        self._chunking = chunking
        self._exchange: Exchange | None = None
        self.used = 0
        self.is_proven = False
        self.has_carried = False
        self.idle_since = time.monotonic()

    @property
    def is_open(self) -> bool:
        """False also when the server said something by itself: it only ever says that it closes."""
        return self._wire.is_open and self._asking.is_quiet

    @property
    def heard(self) -> int:
        """Signs of life of the server: connecting, and each whole reply."""
        return self._wire.heard

    @property
    def behind(self) -> Envelope | None:
        """The message whose commands have left and whose content waits for the reply to another's."""
        return self._exchange.behind if self._exchange is not None else None

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
            if not self._asking.is_quiet:
                raise EOFError
        except (MailServerAway, SenderRefused):
            self.drop()
            raise
        except ssl.SSLError:
            self.drop()
            raise MailServerAway(
                f"The mail server {self._url} offers no TLS that we can trust: check its certificate.",
                code="mail_server.tls",
            ) from None
        except (OSError, TimeoutError, EOFError):
            self.drop()
            raise MailServerAway(f"The mail server {self._url} does not answer.") from None
        except asyncio.CancelledError:
            self.drop()
            raise

    async def _connect(self) -> None:
        context = self._tls_context() if self._url.protection == "tls" else None
        loop, host = asyncio.get_running_loop(), self._url.host
        async with asyncio.timeout(min(self._timeout_s, CONNECT_TIMEOUT_S)):
            made = await connected(host, self._url.port)
            name = host if context is not None else None
            await loop.create_connection(lambda: self._wire, sock=made, ssl=context, server_hostname=name)

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
            self._features = Features()
            return
        self._expect(reply, Stage.CONNECT)
        features = Features.parse(reply.text)
        self._features = replace(features, chunking=features.chunking and self._chunking)

    async def _protect(self) -> None:
        if self._url.protection == "tls":
            return
        if not self._features.starttls:
            if self._url.protection == "starttls":
                raise MailServerAway(
                    f"The mail server {self._url} offers no STARTTLS, and EMAIL_URL demands it.", code="mail_server.tls"
                )
            return
        self._expect(await self._command("STARTTLS"), Stage.CONNECT)
        if not self._asking.is_quiet:  # As in `Wire.protect`: it would answer our EHLO under TLS.
            raise ssl.SSLError("a reply after the reply to STARTTLS")
        async with asyncio.timeout(self._timeout_s):
            await self._wire.protect(self._tls_context(), self._url.host)
        await self._hello()

    async def _login(self) -> None:
        if not self._url.user:
            return
        user, password = self._url.user, self._url.password.reveal()
        if "PLAIN" in self._features.logins:
            token = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
            reply = await self._command(f"AUTH PLAIN {token}")
        elif "LOGIN" in self._features.logins:
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
        if not self._wire.write(f"{line}\r\n".encode("ascii")):
            raise EOFError
        return await self._reply()

    async def _reply(self) -> Reply:
        async with asyncio.timeout(self._timeout_s):
            return await self._asking.reply()

    async def exchange(self, work: Work, *, final_s: float, most: int) -> End:
        """Send what ``work`` gives, ``most`` messages at most. Never raises. ``final_s``: for the reply to a whole content."""
        exchange = self._exchange = Exchange(
            self._wire,
            self._features,
            work,
            name=str(self._url),
            timeout_s=self._timeout_s,
            final_s=final_s,
            most=most,
        )
        try:
            return await exchange.run()
        finally:
            self._exchange = None
            self._wire.listener = self._asking
            self.used += exchange.taken
            self.is_proven = self.is_proven or exchange.answered > 0
            self.has_carried = self.has_carried or exchange.carried > 0
            self.idle_since = time.monotonic()

    async def quit(self) -> None:
        """Say QUIT and close; whatever happens, the connection is gone afterwards."""
        try:
            async with asyncio.timeout(1):
                await self._command("QUIT")
        except (OSError, TimeoutError, EOFError):
            pass
        finally:
            self.drop()

    def leave(self) -> None:
        """Say QUIT and close without waiting for an answer."""
        self._wire.write(b"QUIT\r\n")
        self._wire.close()

    def drop(self) -> None:
        self._wire.abort()
