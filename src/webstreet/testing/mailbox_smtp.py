"""The SMTP side of the mailbox: aiosmtpd (RFC 5321, SIZE, 8BITMIME, SMTPUTF8, pipelined input) on a loop in its own thread."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from webstreet.testing.mailbox import Mailbox


class _Handler:
    """aiosmtpd's hooks, named by it."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if refusal := self.mailbox.replies(address):
            return refusal
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail = self.mailbox.add(envelope.mail_from or "", list(envelope.rcpt_tos), bytes(envelope.content))
        return f"250 2.0.0 Ok: kept as {mail.number}"


class SmtpServer:
    """A listening SMTP server. ``port`` is the one it really has."""

    def __init__(self, mailbox: Mailbox, listening: socket.socket) -> None:
        from aiosmtpd.smtp import SMTP

        from webstreet.testing.mailbox import MESSAGE_LIMIT

        logging.getLogger("mail.log").setLevel(logging.ERROR)
        self.port: int = listening.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        handler = _Handler(mailbox)

        def session() -> Any:
            return SMTP(
                handler,
                hostname="mailbox.example",
                ident="Webstreet mailbox",
                data_size_limit=MESSAGE_LIMIT,
                enable_SMTPUTF8=True,
                loop=self._loop,
            )

        self._thread = threading.Thread(target=self._loop.run_forever, name="mailbox-smtp", daemon=True)
        self._thread.start()
        # In the loop's own thread: the caller's may have a loop that runs already (Playwright's does).
        started = asyncio.run_coroutine_threadsafe(self._loop.create_server(session, sock=listening), self._loop)
        self._server = started.result(5)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        sessions = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in sessions:
            task.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)


def start_smtp(mailbox: Mailbox, host: str, port: int) -> SmtpServer:
    """Listen, and serve from a thread. Raises OSError if the port is taken."""
    listening = socket.create_server((host, port), backlog=128)
    listening.setblocking(False)
    return SmtpServer(mailbox, listening)
