"""Whether a secret that a person gave can be what it is for: a database, a mail server, a Redis, a token. Says the rule, never it."""

from __future__ import annotations

from urllib.parse import urlsplit

from webstreet.contract.environment import SettingInvalid
from webstreet.kernel.errors import Sentence
from webstreet.kernel.secret import Secret
from webstreet.mail.errors import EmailUrlInvalid
from webstreet.mail.url import PROVIDERS, EmailUrl

DATABASE_SCHEMES = ("postgresql", "postgres", "mariadb", "mysql", "sqlite")
"""What the engine of this release can use."""
EMAIL_SCHEMES = ("smtp", "smtp+tls", "smtps", *PROVIDERS)
REDIS_SCHEMES = ("redis", "rediss")
LONGEST, TOKEN_SHORTEST = 2000, 20
VARIABLE = "WEBSTREET_SITE_EMAIL_URL"
"""Of the control plane: the mail server of the sites that name none of their own."""
REDIS_VARIABLE = "WEBSTREET_SITE_REDIS_URL"
"""Of the control plane: the Redis of every site."""
TOKEN_VARIABLE = "WEBSTREET_SITE_METRICS_TOKEN"  # noqa: S105 the name of the variable, not a token
"""Of the control plane: the token that opens the metrics of every site."""


def check_database_url(url: Secret) -> str:
    """The rule that is broken; empty if none."""
    return _check(url, DATABASE_SCHEMES, "postgresql://user:password@host:5432/name", hostless=("sqlite",))


def check_client_database_url(url: Secret) -> str:
    """As `check_database_url`, for data that live at the client: the hoster's disk is not the client's side."""
    if not check_database_url(url) and urlsplit(url.reveal()).scheme == "sqlite":
        return Sentence.of(
            "store.not_client",
            "must name a database server of the client: an SQLite file would lie on the hoster's disk.",
        )
    return check_database_url(url)


def check_email_url(urls: Secret) -> str:
    """One or several, with white space between them."""
    found = (_check_one_email_url(Secret(each)) for each in urls.reveal().split() or [""])
    return next((rule for rule in found if rule), "")


def _check_one_email_url(url: Secret) -> str:
    rule = _check(url, EMAIL_SCHEMES, "smtp://user:password@host:587", hostless=PROVIDERS)
    if rule or urlsplit(url.reveal()).scheme not in PROVIDERS:
        return rule
    try:
        EmailUrl.parse(url.reveal())
    except EmailUrlInvalid:
        return Sentence.of("store.url", "must be a URL like {example}.", example="mailgun://key@news.example.org")
    return ""


def default_email_url(text: str) -> Secret:
    """The value of `VARIABLE`, kept secret.

    Raises:
        SettingInvalid: it is not the URL of a mail server.
    """
    url = Secret(text.strip())
    if url and (rule := check_email_url(url)):
        raise SettingInvalid(f"{VARIABLE} {rule}", code="setting.site_email_url")
    return url


def redis_url(text: str) -> Secret:
    """The value of `REDIS_VARIABLE`, kept secret.

    Raises:
        SettingInvalid: it is not the URL of a Redis.
    """
    url = Secret(text.strip())
    if url and (rule := _check(url, REDIS_SCHEMES, "redis://:password@host:6379/0")):
        raise SettingInvalid(f"{REDIS_VARIABLE} {rule}", code="setting.site_redis_url")
    return url


def metrics_token(text: str) -> Secret:
    """The value of `TOKEN_VARIABLE`, kept secret.

    Raises:
        SettingInvalid: it is too short to be a secret, or no request can carry it.
    """
    token = text.strip()
    if token and not (TOKEN_SHORTEST <= len(token) <= LONGEST and all("!" <= letter <= "~" for letter in token)):
        raise SettingInvalid(
            f"{TOKEN_VARIABLE} must have {TOKEN_SHORTEST} or more random characters: ASCII, without spaces.",
            code="setting.site_metrics_token",
        )
    return Secret(token)


def _check(url: Secret, schemes: tuple[str, ...], example: str, hostless: tuple[str, ...] = ()) -> str:
    text = url.reveal()
    rule = Sentence.of("store.url", "must be a URL like {example}.", example=example)
    if len(text) > LONGEST or any(ord(letter) <= 32 for letter in text):
        return rule
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises for a port that is not a number up to 65535
    except ValueError:
        return rule
    if parts.scheme not in schemes:
        allowed = ", ".join(f"{scheme}://" for scheme in schemes)
        return Sentence.of("store.scheme", "must begin with one of: {allowed}.", allowed=allowed)
    if not parts.hostname and parts.scheme not in hostless:
        return rule
    return ""
