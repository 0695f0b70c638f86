"""Whether the mail server can be used: what the worker found out by sending, and what readiness shows.

A site whose mail goes nowhere looks healthy from outside: sign-ups are accepted and their mails wait. So the worker says once in its
log when sending begins to fail and once when it works again, and ``/-/ready`` shows a part that is not needed.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time

from webstreet.contract.environment import EMAIL_URL, read
from webstreet.contract.health import Part
from webstreet.mail.errors import EmailUrlInvalid
from webstreet.mail.url import DEFAULT_EMAIL_URL, EmailUrl

PART = "mail"
LOOK_EVERY_S = 30.0
CONNECT_WITHIN_S = 3.0
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
    """Open a connection to the mail server and close it. The note names no host: readiness is not secret."""
    try:
        address = EmailUrl.parse(read(os.environ, EMAIL_URL, DEFAULT_EMAIL_URL))
        with socket.create_connection((address.host, address.port), CONNECT_WITHIN_S):
            return Part(name=PART, ok=True, needed=False)
    except EmailUrlInvalid:
        note = "EMAIL_URL cannot be used"
    except (OSError, UnicodeError):
        note = "nothing answers at EMAIL_URL: mails wait"
    except Exception as error:  # noqa: BLE001 a setting that cannot be read; whatever it is, the answer is "not ok"
        note = type(error).__name__
    return Part(name=PART, ok=False, needed=False, note=note)


sending = Sending()
watch = Watch()
