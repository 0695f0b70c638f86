"""EMAIL_URL: where mail is handed over, and how the connection is protected."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from webstreet.kernel.secret import Secret
from webstreet.mail.errors import EmailUrlInvalid

Protection = Literal["opportunistic", "starttls", "tls"]
_SCHEMES: dict[str, tuple[Protection, int]] = {
    "smtp": ("opportunistic", 25),
    "smtp+tls": ("starttls", 587),
    "smtps": ("tls", 465),
}
DEFAULT_EMAIL_URL = "smtp://localhost:25"


@dataclass(frozen=True, slots=True)
class EmailUrl:
    """A parsed EMAIL_URL.

    Attributes:
        protection: ``tls`` from the first byte; ``starttls`` required and verified; ``opportunistic``: STARTTLS when the server
            offers it, unverified (RFC 7435), because the alternative would be plain text.
        ca_file: certificate authority to trust instead of the system's (``?ca_file=/path``); empty: the system's.
    """

    host: str
    port: int
    protection: Protection
    user: str = ""
    password: Secret = field(default_factory=lambda: Secret(""))
    ca_file: str = ""

    @classmethod
    def parse(cls, text: str) -> EmailUrl:
        """Read ``smtp://``, ``smtp+tls://`` or ``smtps://`` ``[user:password@]host[:port][?ca_file=PATH]``.

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
        if parts.path not in ("", "/"):
            raise EmailUrlInvalid(
                "EMAIL_URL has a path after the host: remove it. Write @ and / in passwords as %40 and %2F."
            )
        options = parse_qs(parts.query)
        if set(options) - {"ca_file"}:
            raise EmailUrlInvalid("EMAIL_URL has an option we do not know: only ca_file is one.")
        protection, default_port = _SCHEMES[parts.scheme]
        return cls(
            host=parts.hostname,
            port=port or default_port,
            protection=protection,
            user=unquote(parts.username or ""),
            password=Secret(unquote(parts.password or "")),
            ca_file=options.get("ca_file", [""])[0],
        )

    def __str__(self) -> str:
        return f"{self.host}:{self.port} ({self.protection})"
