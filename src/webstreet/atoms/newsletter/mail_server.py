"""Whether the mail server can be used: what the worker found out by sending, and what readiness shows.

A site whose mail goes nowhere looks healthy from outside: sign-ups are accepted and their mails wait. So the worker says once in its
log when sending begins to fail and once when it works again, and ``/-/ready`` shows a part that is not needed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from webstreet.atoms.newsletter import mails
from webstreet.contract.health import Part
from webstreet.engine import mail_api
from webstreet.mail.connection import SmtpConnection
from webstreet.mail.errors import EmailUrlInvalid, MailServerAway, SenderRefused
from webstreet.mail.url import EmailUrl

PART = "mail"
LOOK_EVERY_S = 30.0
LOGIN_EVERY_S = 600.0
CONNECT_WITHIN_S = 3.0
_AWAY = {"mail_server.tls": "no TLS that can be trusted", "mail_server.busy": "is busy"}
_logins: dict[str, tuple[float, str]] = {}
"""When a server's login is tried again, and what came of it last."""
logger = logging.getLogger(__name__)


class Sending:
    """What the last attempt of this process came to. No address is ever logged: the code of the trouble is all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._trouble = ""

    def noted(self, trouble: str) -> None:
        """Log a change. ``trouble``: an error's code; empty when the server took or refused a message as servers do."""
        with self._lock:
            before, self._trouble = self._trouble, trouble
        if trouble and trouble != before:
            logger.warning("mail.cannot_be_sent", extra={"code": trouble})
        elif before and not trouble:
            logger.info("mail.sent_again")


class Watch:
    """Answers at once with what it saw last; looks again in a thread of its own when that is older than `LOOK_EVERY_S`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen = Part(name=PART, ok=True, needed=False, note="not looked at yet")
        self._looked_at = -LOOK_EVERY_S
        self._looking: threading.Thread | None = None

    def part(self) -> Part:
        with self._lock:
            busy = self._looking is not None and self._looking.is_alive()
            if not busy and time.monotonic() - self._looked_at >= LOOK_EVERY_S:
                self._looking = threading.Thread(target=self._look, name="mail-server", daemon=True)
                self._looking.start()
            return self._seen

    def _look(self) -> None:
        seen = look()
        with self._lock:
            self._seen, self._looked_at = seen, time.monotonic()


def look() -> Part:
    """Open a connection to each mail server and close it. The note names no host: readiness is not secret."""
    try:
        servers = mails.mail_servers()
        troubles = asyncio.run(_troubles(servers))
    except EmailUrlInvalid:
        return Part(name=PART, ok=False, needed=False, note="EMAIL_URL cannot be used")
    except Exception as error:  # noqa: BLE001 a setting that cannot be read; whatever it is, the answer is "not ok"
        return Part(name=PART, ok=False, needed=False, note=type(error).__name__)
    if len(servers) == 1:
        note = f"{troubles[0]} at EMAIL_URL: mails wait" if troubles[0] else ""
    else:
        named = (
            (server.given_name or f"server {n}", trouble)
            for n, (server, trouble) in enumerate(zip(servers, troubles, strict=True), 1)
        )
        note = "; ".join(f"{name}: {trouble}" for name, trouble in named if trouble)
    return Part(name=PART, ok=not all(troubles), needed=False, note=note)


async def _troubles(servers: Sequence[EmailUrl]) -> list[str]:
    return await asyncio.gather(*map(_trouble, servers))


async def _trouble(server: EmailUrl) -> str:
    """What keeps a server from being used; empty: nothing. A login is tried rarely: who tries a wrong one often is locked out."""
    if server.provider:
        return await _trouble_of_api(server)
    until, known = _logins.get(server.name, (0.0, ""))
    asks = bool(server.user) and time.monotonic() >= until
    connection = SmtpConnection(
        server if asks else replace(server, user=""), helo="localhost", timeout_s=CONNECT_WITHIN_S
    )
    try:
        await connection.open()
        await connection.quit()
    except SenderRefused as error:
        trouble = "refuses the login" if error.error_code == "sender.login" else "refuses us"
    except MailServerAway as error:
        return _AWAY.get(error.error_code, "nothing answers")
    else:
        trouble = "" if asks else known
    if asks:
        _logins[server.name] = (time.monotonic() + LOGIN_EVERY_S, trouble)
    return trouble


async def _trouble_of_api(server: EmailUrl) -> str:
    """Whether anything listens where the API is; its key is tried by mails alone."""
    try:
        async with asyncio.timeout(CONNECT_WITHIN_S):
            _, writer = await asyncio.open_connection(*mail_api.address_of(server))
    except OSError:
        return "nothing answers"
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return ""


sending = Sending()
watch = Watch()
