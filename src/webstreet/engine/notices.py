"""Mails of Wagtail to editors: something waits for approval, was approved or answered. They leave from within a request, so a mail server
that is away must cost the page nothing, and their number is limited: a notice that is left out says nothing that the admin does not show.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from smtplib import SMTPException

from django.core.mail.backends.smtp import EmailBackend
from django.core.mail.message import EmailMessage

from webstreet.engine.guessing import count

logger = logging.getLogger(__name__)
TO_ONE, OF_SITE = 60, 600
WINDOW = dt.timedelta(hours=1)


class Notices(EmailBackend):
    """Django's, with the limits above; what cannot be sent is logged, never raised."""

    _is_away = False

    def open(self) -> bool | None:
        """A server that did not answer is not asked again for the next of several recipients."""
        if self._is_away:
            return None
        try:
            opened: bool | None = super().open()
        except (OSError, SMTPException) as error:
            self._is_away = True
            _unsent(error)
            return None
        return opened

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        return super().send_messages([message for message in email_messages if _admitted(message)]) or 0

    def _send(self, email_message: EmailMessage) -> bool:
        try:
            return bool(super()._send(email_message))  # type: ignore[misc]
        except (OSError, SMTPException) as error:
            _unsent(error)
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
