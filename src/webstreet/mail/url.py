"""EMAIL_URL: where mail is handed over, and how the connection is protected. It may name several servers, see `EmailUrl.parse_all`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

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
_NUMBERS = {"order": 99, "weight": 1000, "connections": 100, "per_connection": 1_000_000}
"""Options that are numbers from 1, and the largest."""
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

    @property
    def name(self) -> str:
        """The same for as long as EMAIL_URL says so; without user or password."""
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
        """Read ``smtp://``, ``smtp+tls://`` or ``smtps://`` ``[user:password@]host[:port][?option=value&option=value]``.

        Raises:
            EmailUrlInvalid: the message does not repeat the URL, which may hold a password.
        """
        try:
            parts = urlsplit(text.strip())
            port = parts.port
        except ValueError:
            raise EmailUrlInvalid("EMAIL_URL is not a URL with a valid port.") from None
        if parts.scheme not in _SCHEMES:
            raise EmailUrlInvalid("EMAIL_URL must start with smtp://, smtp+tls:// or smtps://.")
        if not parts.hostname:
            raise EmailUrlInvalid("EMAIL_URL names no host: write smtp://host:port.")
        if "," in parts.hostname:
            raise EmailUrlInvalid("EMAIL_URL has a comma in a host: part several servers by spaces or line ends.")
        if parts.path not in ("", "/"):
            raise EmailUrlInvalid(
                "EMAIL_URL has a path after the host: remove it. Write @ and / in passwords as %40 and %2F."
            )
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if set(options) - {"ca_file", "name", "rate", *_NUMBERS}:
            known = ", ".join(["ca_file", "name", "rate", *_NUMBERS])
            raise EmailUrlInvalid(f"EMAIL_URL has an option that we do not know. There are: {known}.")
        if not _NAME.fullmatch(options.get("name", "x")):
            raise EmailUrlInvalid("EMAIL_URL has a name that is none: up to 40 letters, digits, dots and hyphens.")
        try:
            Limit.parse(options.get("rate", "1/s"))
        except ValueError as error:
            raise EmailUrlInvalid(f"EMAIL_URL has a rate that cannot be read. {error}") from None
        protection, default_port = _SCHEMES[parts.scheme]
        return cls(
            host=parts.hostname,
            port=port or default_port,
            protection=protection,
            user=unquote(parts.username or ""),
            password=Secret(unquote(parts.password or "")),
            ca_file=options.get("ca_file", ""),
            given_name=options.get("name", ""),
            rate=options.get("rate", ""),
            **{name: _number(name, options[name]) for name in _NUMBERS if name in options},
        )

    def __str__(self) -> str:
        return f"{self.host}:{self.port} ({self.protection})"


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 9 and 1 <= int(text) <= _NUMBERS[name]):
        raise EmailUrlInvalid(f"EMAIL_URL has the option {name}, and it is no number from 1 to {_NUMBERS[name]}.")
    return int(text)
