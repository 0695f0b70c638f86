"""EMAIL_URL: where mail is handed over, and how the connection is protected. It may name several servers, see `EmailUrl.parse_all`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from webstreet.kernel.secret import Secret
from webstreet.mail.buckets import Limit
from webstreet.mail.errors import EmailUrlInvalid

Protection = Literal["opportunistic", "starttls", "tls"]
_SCHEMES: dict[str, tuple[Protection, int]] = {
    "smtp": ("opportunistic", 25),
    "smtp+tls": ("starttls", 587),
    "smtps": ("tls", 465),
}
DEFAULT_EMAIL_URL = "smtp://localhost:25"
PROVIDERS = ("brevo", "mailgun", "mailjet", "postmark", "resend")
"""Whose API can be handed mails; the scheme of the URL is the name. How each is spoken to is no part of this library."""
_NUMBERS = {"order": 99, "weight": 1000, "connections": 100, "per_connection": 1_000_000}
"""Options that are numbers from 1, and the largest."""
_OF_PROVIDER = ("api", "stream")
"""Options that only a provider's URL has."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


@dataclass(frozen=True, slots=True)
class EmailUrl:
    """A parsed EMAIL_URL.

    Attributes:
        protection: ``tls`` from the first byte; ``starttls`` required and verified; ``opportunistic``: STARTTLS when the server
            offers it, unverified (RFC 7435), because the alternative would be plain text.
        ca_file: certificate authority to trust instead of the system's (``?ca_file=/path``); empty: the system's.
        order: of several servers the one with the smallest is used, the next when that is away (``?order=2``).
        weight: share of what goes to servers of one order.
        connections, per_connection: see `webstreet.mail.smtp.SmtpTransport`; 0: as the program says.
        given_name: ``?name=``; see `name`.
        rate: the most that the server takes, as `webstreet.mail.buckets.Limit` reads it (``?rate=14/s``); empty: no limit. It is for
            whoever hands over batches: a transport sends as fast as it can.
        provider: one of `PROVIDERS`; empty: it is an SMTP server. Of a provider ``host`` is the sending domain (Mailgun) or empty, and
            ``password`` the key, of Mailjet ``key:secret``.
        api: address of the provider's API where it is not the usual one (``?api=https://api.eu.mailgun.net/v3``).
        stream: of Postmark, the message stream (``?stream=broadcast``).
    """

    host: str
    port: int
    protection: Protection
    user: str = ""
    password: Secret = field(default_factory=lambda: Secret(""))
    ca_file: str = ""
    order: int = 1
    weight: int = 1
    connections: int = 0
    per_connection: int = 0
    given_name: str = ""
    rate: str = ""
    provider: str = ""
    api: str = ""
    stream: str = ""

    @property
    def name(self) -> str:
        """The same for as long as EMAIL_URL says so; without user or password."""
        if self.provider:
            return self.given_name or ":".join(part for part in (self.provider, self.host) if part)
        return self.given_name or f"{self.host}:{self.port}"

    @classmethod
    def parse_all(cls, text: str) -> list[EmailUrl]:
        """Read one or several URLs with white space or line ends between them; by their order, then as written.

        Raises:
            EmailUrlInvalid: one of them cannot be used, or two have the same name.
        """
        found = [cls.parse(each) for each in text.split()]
        if not found:
            raise EmailUrlInvalid("EMAIL_URL names no mail server.")
        if len({url.name for url in found}) < len(found):
            raise EmailUrlInvalid("EMAIL_URL names a server twice: give each a name of its own, as in ?name=second.")
        return sorted(found, key=lambda url: url.order)

    @classmethod
    def parse(cls, text: str) -> EmailUrl:
        """Read ``smtp://``, ``smtp+tls://`` or ``smtps://`` ``[user:password@]host[:port][?option=value&option=value]``, or of a provider
        ``mailgun://key@domain``, ``mailjet://key:secret@``, ``brevo://key@``, ``postmark://key@``, ``resend://key@``.

        Raises:
            EmailUrlInvalid: the message does not repeat the URL, which may hold a password.
        """
        try:
            parts = urlsplit(text.strip())
            _ = parts.port  # raises for a port that is not a number up to 65535
        except ValueError:
            raise EmailUrlInvalid("EMAIL_URL is not a URL with a valid port.") from None
        is_api = parts.scheme in PROVIDERS
        if parts.scheme not in _SCHEMES and not is_api:
            raise EmailUrlInvalid(
                "EMAIL_URL must start with smtp://, smtp+tls:// or smtps://, or for the API of a provider with"
                f" {', '.join(f'{name}://' for name in PROVIDERS)}. Of other providers use the SMTP servers."
            )
        if not parts.hostname and not is_api:
            raise EmailUrlInvalid("EMAIL_URL names no host: write smtp://host:port.")
        if "," in (parts.hostname or ""):
            raise EmailUrlInvalid("EMAIL_URL has a comma in a host: part several servers by spaces or line ends.")
        if parts.path not in ("", "/"):
            raise EmailUrlInvalid(
                "EMAIL_URL has a path after the host: remove it. Write @ and / in passwords as %40 and %2F."
            )
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        allowed = ["ca_file", "name", "rate", *_NUMBERS, *(_OF_PROVIDER if is_api else ())]
        if set(options) - set(allowed):
            known = ", ".join(allowed)
            raise EmailUrlInvalid(f"EMAIL_URL has an option that we do not know. There are: {known}.")
        if not _NAME.fullmatch(options.get("name", "x")):
            raise EmailUrlInvalid("EMAIL_URL has a name that is none: up to 40 letters, digits, dots and hyphens.")
        try:
            Limit.parse(options.get("rate", "1/s"))
        except ValueError as error:
            raise EmailUrlInvalid(f"EMAIL_URL has a rate that cannot be read. {error}") from None
        where = _provider(parts, options) if is_api else _server(parts)
        where |= {name: _number(name, options[name]) for name in _NUMBERS if name in options}
        return cls(
            **where,
            ca_file=options.get("ca_file", ""),
            given_name=options.get("name", ""),
            rate=options.get("rate", ""),
        )

    def __str__(self) -> str:
        return f"{self.name} (API)" if self.provider else f"{self.host}:{self.port} ({self.protection})"


def _server(parts: SplitResult) -> dict[str, Any]:
    protection, default_port = _SCHEMES[parts.scheme]
    return {
        "host": parts.hostname,
        "port": parts.port or default_port,
        "protection": protection,
        "user": unquote(parts.username or ""),
        "password": Secret(unquote(parts.password or "")),
    }


def _provider(parts: SplitResult, options: Mapping[str, str]) -> dict[str, Any]:
    key, secret = unquote(parts.username or ""), unquote(parts.password or "")
    form = {"mailgun": "mailgun://key@domain", "mailjet": "mailjet://key:secret@"}.get(
        parts.scheme, f"{parts.scheme}://key@"
    )
    fits = bool(parts.hostname) == (parts.scheme == "mailgun") and bool(secret) == (parts.scheme == "mailjet")
    usable = all("!" <= letter <= "~" for letter in key + secret)
    if not (key and fits and usable) or parts.port or ("stream" in options and parts.scheme != "postmark"):
        raise EmailUrlInvalid(f"EMAIL_URL does not name the key of {parts.scheme} as it should: write {form}.")
    try:
        api = urlsplit(options.get("api", ""))
        _ = api.port
    except ValueError:
        api = urlsplit("")
    is_local = api.scheme == "http" and api.hostname in ("127.0.0.1", "::1", "localhost")
    if "api" in options and not (api.hostname and not api.username and (api.scheme == "https" or is_local)):
        raise EmailUrlInvalid("EMAIL_URL has an option api that is no https:// address.")
    return {
        "host": parts.hostname or "",
        "port": 443,
        "protection": "tls",
        "password": Secret(f"{key}:{secret}" if secret else key),
        "provider": parts.scheme,
        "api": options.get("api", ""),
        "stream": options.get("stream", ""),
    }


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 9 and 1 <= int(text) <= _NUMBERS[name]):
        raise EmailUrlInvalid(f"EMAIL_URL has the option {name}, and it is no number from 1 to {_NUMBERS[name]}.")
    return int(text)
