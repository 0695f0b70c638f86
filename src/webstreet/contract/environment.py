"""Names of the environment variables that a site's processes read, and how a value is found.

Each may be given as itself or as ``<NAME>_FILE``, the path of a file with the value (Docker and Kubernetes secrets). Both at once
is an error: nobody could tell which one is meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from webstreet.kernel.errors import BadInput

SITE_MANIFEST = "SITE_MANIFEST"
"""Path of site.yaml."""
DATA_DIR = "DATA_DIR"
"""Folder of everything embedded (SQLite files, uploads); unset: beside the manifest, in ``data``."""
BASE_URL = "BASE_URL"
"""Address under which readers reach the site, used in mails and feeds; unset: https:// and the first domain."""
DATABASE_URL = "DATABASE_URL"
"""postgresql://, mariadb://, mysql:// or sqlite:///; unset: SQLite in DATA_DIR."""
REDIS_URL = "REDIS_URL"
"""redis:// or rediss://; unset: cache in the process, task queue in the database."""
EMAIL_URL = "EMAIL_URL"
"""smtp://[user:password@]host[:port], smtp+tls:// (STARTTLS required), smtps://, or a provider's API, as mailgun://key@domain; several with
spaces or line ends between them, each with ?order=, ?weight=, ?name=; unset: smtp://localhost:25."""
BOUNCE_MAILBOX_URL = "BOUNCE_MAILBOX_URL"
"""imaps:// or imap+tls:// (STARTTLS) user:password@host[:port][/folder]: where mails come back to; unset: none is read."""
EVENTS_SECRET = "EVENTS_SECRET"  # noqa: S105 the name of the variable, not a secret
"""With it events about mails are signed that are posted to /api/newsletter/events; at least 20 characters; unset: none are taken."""
EVENTS_PROVIDER = "EVENTS_PROVIDER"
"""One of `EVENTS_PROVIDERS`: EVENTS_SECRET is its key, and it posts to /api/newsletter/events/<provider>; unset: none does."""
EVENTS_PROVIDERS = ("brevo", "mailgun", "mailjet", "mailtrap", "postal", "postmark", "sparkpost")
FILES_URL = "FILES_URL"
"""file:///path; unset: files in DATA_DIR."""
SECRET_KEY = "SECRET_KEY"  # noqa: S105 the name of the variable, not a key
"""At least 50 characters of randomness; required unless everything is embedded, where one is made and kept in DATA_DIR."""
TRUSTED_PROXIES = "TRUSTED_PROXIES"
"""Comma-separated networks whose X-Forwarded-For and X-Forwarded-Proto are believed; unset: none."""
METRICS_TOKEN = "METRICS_TOKEN"  # noqa: S105 the name of the variable, not a token
"""Who shows this as a bearer token may read /-/metrics from anywhere; unset: neighbours only, as with /-/facts."""
DNS_SERVERS = "DNS_SERVERS"
"""Comma-separated name servers to ask about the sender and readers' domains, as 9.9.9.9 or 127.0.0.1:5353; unset: the system's."""
IMAGE_DIGEST = "IMAGE_DIGEST"
"""The digest the container was started from; shown in facts."""
GENERATION = "GENERATION"
"""The number of the wish these processes were started for; shown in facts."""

ALL = (
    SITE_MANIFEST, DATA_DIR, BASE_URL, DATABASE_URL, REDIS_URL, EMAIL_URL, BOUNCE_MAILBOX_URL, EVENTS_SECRET,
    EVENTS_PROVIDER, FILES_URL, SECRET_KEY, TRUSTED_PROXIES, METRICS_TOKEN, DNS_SERVERS, IMAGE_DIGEST, GENERATION,
)  # fmt: skip


class SettingInvalid(BadInput):
    """An environment variable is missing or cannot be used."""

    code = "setting.invalid"


def read(environ: Mapping[str, str], name: str, default: str = "") -> str:
    """The value of ``name``, from itself or from the file that ``<name>_FILE`` names; an empty value counts as unset.

    Raises:
        SettingInvalid: both are set, or the file cannot be read.
    """
    value, path = environ.get(name, ""), environ.get(f"{name}_FILE", "")
    if value and path:
        raise SettingInvalid(f"Both {name} and {name}_FILE are set: remove one of them.", code="setting.twice")
    if not path:
        return value or default
    try:
        return Path(path).read_text("utf-8").strip() or default
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SettingInvalid(
            f"{name}_FILE names {path}, which cannot be read: {reason}.", code="setting.file"
        ) from None
