"""Mails of Wagtail to editors: something waits for approval, was approved or answered. They leave from within a request, so a mail server
that is away must cost the page nothing, and their number is limited: a notice that is left out says nothing that the admin does not show.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import time
from collections.abc import Sequence
from smtplib import SMTPException
from typing import Any, ClassVar

from django.conf import settings
from django.core.mail.backends.smtp import EmailBackend
from django.core.mail.message import EmailMessage

from webstreet.engine.guessing import count
from webstreet.engine.mail_api import ProviderAway
from webstreet.mail.url import EmailUrl

logger = logging.getLogger(__name__)
TO_ONE, OF_SITE = 60, 600
WINDOW = dt.timedelta(hours=1)
FAILED_S = 60.0
"""A server that failed is tried after the others for so long."""


class Notices(EmailBackend):
    """Django's, with the limits above; what cannot be sent is logged, never raised."""

    _is_away = False
    _server = ""
    _failed_at: ClassVar[dict[str, float]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._took_none: set[str] = set()
        """Providers: whether they are there is known when they are given a mail, and they are given no second one."""

    def open(self) -> bool | None:
        """By the first server of EMAIL_URL that can be used; the last to be tried is who failed last.

        When none of them answered, none is asked again for the next of several recipients.
        """
        if self._is_away or self.connection:
            return None if self._is_away else False
        error: Exception | None = None
        for server in sorted(settings.EMAIL_SERVERS, key=self._failed_lately):
            if server.name in self._took_none:
                continue
            self.host, self.port = server.host, server.port
            self.username, self.password = server.user, server.password.reveal()
            self.use_tls, self.use_ssl = server.protection == "starttls", server.protection == "tls"
            try:
                opened: bool | None = self._open_api(server) if server.provider else super().open()
            except (OSError, SMTPException) as failed:
                self._failed_at[server.name], error = time.monotonic(), failed
                self._drop()
            else:
                if not server.provider:
                    self._failed_at.pop(server.name, None)
                self._server = server.name
                return opened
        self._is_away = True
        if error is not None:
            _unsent(error)
        return None

    def _open_api(self, server: EmailUrl) -> bool:
        """Whether its key is right is known when a mail is sent."""
        from webstreet.engine.mail_api.connection import ApiConnection

        made: Any = ApiConnection(server, answer_s=float(settings.EMAIL_TIMEOUT))
        self.connection = made
        return True

    def _failed_lately(self, server: EmailUrl) -> float:
        at = self._failed_at.get(server.name)
        return at if at is not None and time.monotonic() - at < FAILED_S else 0.0

    def _drop(self) -> None:
        """A connection that is open and refused the login."""
        with contextlib.suppress(OSError, SMTPException):
            self.close()
        self.connection = None

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        return super().send_messages([message for message in email_messages if _admitted(message)]) or 0

    def _send(self, email_message: EmailMessage) -> bool:
        while self.connection is not None:
            try:
                return bool(super()._send(email_message))  # type: ignore[misc]
            except (OSError, SMTPException) as error:
                if self._goes_on_after(error):
                    continue
                _unsent(error)
                return False
        return False

    def _goes_on_after(self, error: Exception) -> bool:
        """Whether another server is to be given what a provider has certainly not taken."""
        if not isinstance(error, ProviderAway):
            return False
        self._failed_at[self._server] = time.monotonic()
        self._took_none.add(self._server)
        self._drop()
        if error.is_unsent:
            return self.open() is True
        self._is_away = True
        return False


def _unsent(error: Exception) -> None:
    logger.warning("notice.unsent", extra={"error": type(error).__name__})


def _admitted(message: EmailMessage) -> bool:
    """Counts first: of a mail to several the most mailed decides."""
    of_each = [count("notice", address.casefold(), WINDOW) for address in message.recipients()]
    if max(of_each, default=0) <= TO_ONE and count("notices", "", WINDOW) <= OF_SITE:
        return True
    logger.warning("notice.too_many")
    return False
