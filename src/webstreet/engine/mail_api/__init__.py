"""Handing mails to the API of a provider instead of an SMTP server, by django-anymail. See docs/decisions/0026.

Nothing here is imported by a site whose mails go to SMTP servers alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from smtplib import SMTPException

from webstreet.mail.pump import Transport
from webstreet.mail.smtp import SmtpTransport
from webstreet.mail.url import EmailUrl

MESSAGE = "webstreet_message"
"""Under which a provider gives our Message-ID back with each event, whatever it calls the mail itself. Postmark takes names of at most 20
characters and values of at most 80, so it is only what stands before the ``@``: see `named`."""
MESSAGE_MAX = 80


class ProviderAway(SMTPException):
    """It takes nothing now, or not from us. ``is_unsent``: nobody got the mail, so that another server may be given it."""

    def __init__(self, code: str, *, is_unsent: bool) -> None:
        super().__init__(f"The provider takes no mail now ({code}).")
        self.is_unsent = is_unsent


def named(message_id: str) -> str:
    """A Message-ID, with or without brackets, as it goes along under `MESSAGE`."""
    return message_id.strip("<> ").partition("@")[0][:MESSAGE_MAX]


def transport_to(url: EmailUrl, *, connections: int) -> Transport:
    """The one that ``url`` asks for."""
    if not url.provider:
        return SmtpTransport(url, connections=connections)
    from webstreet.engine.mail_api.transport import ApiTransport

    return ApiTransport(url, connections=connections)


def takes_many(urls: Sequence[EmailUrl]) -> bool:
    """Whether one of them takes a letter for many recipients at once."""
    if not any(url.provider for url in urls):
        return False
    from webstreet.engine.mail_api.backends import KNOWN

    return any(KNOWN[url.provider].merges for url in urls if url.provider)


def address_of(url: EmailUrl) -> tuple[str, int]:
    """Host and port of the provider's API."""
    from urllib.parse import urlsplit

    from webstreet.engine.mail_api.backends import backend_of

    backend = backend_of(url)
    backend.close()
    parts = urlsplit(backend.api_url)
    return parts.hostname or "", parts.port or (80 if parts.scheme == "http" else 443)
