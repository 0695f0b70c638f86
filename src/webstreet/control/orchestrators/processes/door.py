"""What answers at a site's port while none of its own processes does: 503 with Retry-After, and a page for people.

Standard library only; never blocks.
"""

from __future__ import annotations

import re
import selectors
import socket
import time
from dataclasses import dataclass

MAX_CONNECTIONS = 200
READ_S, LINGER_S = 5.0, 1.0
HEAD_MAX = 16 * 1024


@dataclass(frozen=True)
class Reason:
    """Why the site does not answer itself: a title and a sentence in English and French, and when to come back."""

    retry_after_s: int
    en: tuple[str, str]
    fr: tuple[str, str]


SUSPENDED = Reason(
    3600,
    (
        "This site is paused",
        "Its owner or its host has switched it off for now. Nothing is lost; please come back later.",
    ),
    ("Ce site est en pause", "Il a été arrêté pour le moment. Rien n’est perdu : revenez plus tard."),
)
PREPARING = Reason(
    5,
    ("This site is almost there", "It is being prepared and will open in a moment."),
    ("Ce site arrive", "On le prépare, il ouvre dans un instant."),
)
FAILING = Reason(
    30,
    ("This site does not answer just now", "It is being started again. Please try once more in a minute."),
    ("Ce site ne répond pas pour l’instant", "Il redémarre. Réessayez dans une minute."),
)

_PAGE = """<!doctype html>
<html lang="{language}"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1.125rem/1.6 Georgia, serif; max-width: 34rem; margin: 20vh auto 0; padding: 0 1.5rem }}
h1 {{ font-size: 1.75rem; line-height: 1.25 }}
a {{ color: inherit }}
</style>
<main><h1>{title}</h1><p>{sentence}</p><p><a href="">{again}</a></p></main></html>
"""
# A link and no reload by itself, which would take from people what they are reading (WCAG 2.2.1).
_AGAIN = {"en": "Try again", "fr": "Réessayer"}


def language(header: str) -> str:
    """ "fr" or "en" for an Accept-Language header (RFC 9110, 12.5.4); English when neither is asked for."""
    best, best_weight = "en", 0.0
    for part in header.lower().split(","):
        tag, _, parameters = part.partition(";")
        primary = tag.strip().partition("-")[0]
        found = re.search(r"q\s*=\s*([0-9.]+)", parameters)
        try:
            weight = float(found[1]) if found else 1.0
        except ValueError:
            weight = 0.0
        if primary in ("en", "fr") and weight > best_weight:
            best, best_weight = primary, weight
    return best


def answer(request: bytes, reason: Reason) -> bytes:
    """The whole HTTP/1.1 response to the head of a request."""
    head = request.decode("latin-1")
    method = head.partition(" ")[0]
    asked = re.search(r"^accept-language:(.*)$", head, re.IGNORECASE | re.MULTILINE)
    spoken = language(asked[1] if asked else "")
    title, sentence = reason.fr if spoken == "fr" else reason.en
    body = _PAGE.format(language=spoken, title=title, sentence=sentence, again=_AGAIN[spoken]).encode()
    lines = (
        "HTTP/1.1 503 Service Unavailable",
        "Content-Type: text/html; charset=utf-8",
        f"Content-Language: {spoken}",
        f"Content-Length: {len(body)}",
        f"Retry-After: {reason.retry_after_s}",
        "Cache-Control: no-store",
        "Vary: Accept-Language",
        "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'",
        "X-Content-Type-Options: nosniff",
        "Connection: close",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (b"" if method == "HEAD" else body)


class Visitor:
    """One connection: the head of its request is read, the answer sent, the rest of what it says read away and ignored."""

    def __init__(self, connection: socket.socket, now: float) -> None:
        self.connection = connection
        self.received = b""
        self.to_send = b""
        self.answered = False
        self.deadline = now + READ_S


class Door:
    """Accepts connections on the site's port while none of the site's own processes does, and answers each with the page of a `Reason`.

    The supervisor opens and closes it with `show`.
    """

    def __init__(self, listener: socket.socket, selector: selectors.BaseSelector) -> None:
        self._listener = listener
        self._selector = selector
        self._visitors: set[Visitor] = set()
        self._reason: Reason | None = None
        self._listening = False

    @property
    def busy(self) -> bool:
        return bool(self._visitors)

    def show(self, reason: Reason | None) -> None:
        """Answer new visitors with ``reason`` from now on; None: leave them to the site's own processes."""
        self._reason = reason
        self._listen(reason is not None and len(self._visitors) < MAX_CONNECTIONS)

    def _listen(self, wanted: bool) -> None:
        if wanted and not self._listening:
            self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        elif not wanted and self._listening:
            self._selector.unregister(self._listener)
        self._listening = wanted

    def _accept(self, _: int) -> None:
        if self._reason is None:
            return
        try:
            connection, _address = self._listener.accept()
        except OSError:
            return  # another process took it, or the visitor left
        connection.setblocking(False)
        visitor = Visitor(connection, time.monotonic())
        self._visitors.add(visitor)
        self._selector.register(connection, selectors.EVENT_READ, lambda events: self._serve(visitor, events))
        self._listen(len(self._visitors) < MAX_CONNECTIONS)

    def _serve(self, visitor: Visitor, events: int) -> None:
        try:
            if events & selectors.EVENT_READ and not self._read(visitor):
                self._drop(visitor)
            elif events & selectors.EVENT_WRITE:
                self._write(visitor)
        except BlockingIOError:
            return
        except OSError:
            self._drop(visitor)

    def _read(self, visitor: Visitor) -> bool:
        chunk = visitor.connection.recv(65536)
        if not chunk:
            return False
        if visitor.answered or visitor.to_send:
            return True
        visitor.received += chunk
        if b"\r\n\r\n" in visitor.received or len(visitor.received) > HEAD_MAX:
            visitor.to_send = answer(visitor.received[:HEAD_MAX], self._reason or FAILING)
            self._write(visitor)
        return True

    def _write(self, visitor: Visitor) -> None:
        sent = visitor.connection.send(visitor.to_send)
        visitor.to_send = visitor.to_send[sent:]
        watch = selectors.EVENT_READ
        if visitor.to_send:
            watch |= selectors.EVENT_WRITE
        else:
            # Closing with unread bytes would reset the connection and take the page from the visitor: wait for their end.
            visitor.connection.shutdown(socket.SHUT_WR)
            visitor.answered = True
            visitor.deadline = time.monotonic() + LINGER_S
        self._selector.modify(visitor.connection, watch, lambda events: self._serve(visitor, events))

    def sweep(self, now: float) -> None:
        for visitor in [v for v in self._visitors if v.deadline <= now]:
            self._drop(visitor)

    def _drop(self, visitor: Visitor) -> None:
        if visitor not in self._visitors:
            return
        self._visitors.discard(visitor)
        self._selector.unregister(visitor.connection)
        visitor.connection.close()
        self._listen(self._reason is not None and len(self._visitors) < MAX_CONNECTIONS)
