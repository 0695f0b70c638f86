"""Handing mails to the API of a provider instead of an SMTP server, by django-anymail. See docs/decisions/0026.

Nothing here is imported by a site whose mails go to SMTP servers alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from webstreet.mail.pump import Transport
from webstreet.mail.smtp import SmtpTransport
from webstreet.mail.url import EmailUrl

MESSAGE = "webstreet_message"
"""Under which a provider gives our Message-ID back with each event, whatever it calls the mail itself."""


def transport_to(url: EmailUrl, *, connections: int) -> Transport:
    """The one that ``url`` asks for."""
    if not url.provider:
        return SmtpTransport(url, connections=connections)
    from webstreet.engine.mail_api.transport import ApiTransport

    return ApiTransport(url, connections=connections)


def takes_many(urls: Sequence[EmailUrl]) -> bool:
    """Whether one of them takes a letter for many recipients at once, so that messages should be `webstreet.mail.merge.Mergeable`."""
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
