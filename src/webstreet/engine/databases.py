"""From database URLs to Django's DATABASES: one alias ``default`` and one per sensitive atom.

An atom's alias uses backends of ours (`webstreet.engine.backends`) that give up fast when its server is away, so that the rest
of the site stays quick.
"""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import dj_database_url

from webstreet.contract.environment import SettingInvalid
from webstreet.engine.environment import Environment

BUSY_TIMEOUT_S = 10
CONNECT_TIMEOUT_S = 3
KEEP_CONNECTION_S = 60
MYSQL_SCHEMES = ("mysql", "mariadb")
_SCHEMES = ("sqlite", "postgres", "postgresql", *MYSQL_SCHEMES)
_TLS_MODES = ("disabled", "required", "verify_ca", "verify_identity")
"""What MySQL's own client calls ssl-mode; unset, TLS is used if the server has it, and its certificate is believed."""
_TLS_FILES = ("ssl-ca", "ssl-cert", "ssl-key")


def databases(environment: Environment) -> dict[str, dict[str, Any]]:
    """Django's DATABASES.

    Raises:
        SettingInvalid: a URL cannot be used.
    """
    urls = environment.database_urls
    found = {"default": _database("default", "DATABASE_URL", urls.get("default", ""), environment)}
    for atom in environment.sensitive_atoms:
        variable = environment.release.by_name[atom].database_variable
        found[atom] = _database(atom, variable, urls.get(atom) or urls.get("default", ""), environment)
    return found


def _database(alias: str, variable: str, url: str, environment: Environment) -> dict[str, Any]:
    if not url:
        stem = "site" if alias == "default" else alias
        return _sqlite(alias, str(environment.data_dir / f"{stem}.sqlite3"))
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES:
        raise SettingInvalid(
            f"{variable} must start with postgresql://, mariadb://, mysql:// or sqlite:///; this release knows no"
            f" {parts.scheme or 'other'} databases.",
            code="setting.database_url",
        )
    try:
        # One backend for both: the server itself says which of the two it is.
        plain = parts._replace(scheme="mysql").geturl() if parts.scheme in MYSQL_SCHEMES else url
        parsed: dict[str, Any] = dict(dj_database_url.parse(plain))
    except (ValueError, KeyError):
        example = parts.scheme if parts.scheme in MYSQL_SCHEMES else "postgresql"
        raise SettingInvalid(
            f"{variable} is not a URL of a database: write {example}://user:password@host/name; letters that mean something"
            " in a URL are written as %40 (@), %2F (/), %3A (:).",
            code="setting.database_url",
        ) from None
    if not parsed["NAME"]:
        raise SettingInvalid(f"{variable} names no database: end it with /NAME.", code="setting.database_url")
    if parts.scheme == "sqlite":
        return _sqlite(alias, parsed["NAME"])
    if parts.scheme in MYSQL_SCHEMES:
        options = {name.replace("_", "-").lower(): value for name, value in parse_qsl(parts.query)}
        return _mysql(alias, parsed, options, variable)
    return _postgresql(alias, parsed)


def _engine(kind: str, alias: str) -> str:
    return f"webstreet.engine.backends.{kind}" + ("" if alias == "default" else ".atom")


def _mysql(alias: str, parsed: dict[str, Any], given: dict[str, str], variable: str) -> dict[str, Any]:
    return {
        **{key: parsed[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT") if key in parsed},
        "ENGINE": _engine("mysql", alias),
        "CONN_MAX_AGE": KEEP_CONNECTION_S if alias == "default" else 0,
        "CONN_HEALTH_CHECKS": alias == "default",
        "OPTIONS": _mysql_options(variable, given),
        "CLIENT_OPTIONS": _client_options(given),
    }


def _client_options(given: dict[str, str]) -> dict[str, str]:
    """What the server's own programs need to know of TLS to make a backup. ``loose``: MariaDB's and MySQL's know different names."""
    mode = given.get("ssl-mode", "verify_identity" if "ssl-ca" in given else "").upper()
    found = {name: given[name] for name in _TLS_FILES if name in given}
    if mode:
        found["loose-ssl-mode"] = mode
        found["loose-ssl"] = "0" if mode == "DISABLED" else "1"
    if mode.startswith("VERIFY"):
        found["loose-ssl-verify-server-cert"] = "1"
    return found


def _mysql_options(variable: str, given: dict[str, str]) -> dict[str, Any]:
    """What PyMySQL takes, from the names that MySQL's and MariaDB's own clients use.

    Raises:
        SettingInvalid: an option is unknown, or its value is.
    """

    def wrong(words: str) -> SettingInvalid:
        return SettingInvalid(f"{variable} {words}.", code="setting.database_url")

    known = (*_TLS_FILES, "ssl-mode", "unix-socket", "charset")
    if strangers := [name for name in given if name not in known]:
        raise wrong(f"has the option {strangers[0][:40]}, which is not known: use {', '.join(known)}")
    if given.get("charset", "utf8mb4").lower() != "utf8mb4":
        raise wrong("asks for a charset other than utf8mb4, which cannot hold every text: leave it out")
    mode = given.get("ssl-mode", "").lower()
    if mode and mode not in _TLS_MODES:
        raise wrong(f"has an ssl-mode that is not known: use {', '.join(_TLS_MODES)}")
    options: dict[str, Any] = {"unix_socket": given["unix-socket"]} if "unix-socket" in given else {}
    if mode == "disabled":
        return options | {"ssl_disabled": True}
    if not mode and not any(name in given for name in _TLS_FILES):
        return options
    try:
        return options | {"ssl": _tls(mode or ("verify_identity" if "ssl-ca" in given else "required"), given)}
    except (OSError, ValueError):
        raise wrong(
            "names a file in ssl-ca, ssl-cert or ssl-key that cannot be used: give paths of PEM files"
        ) from None


def _tls(mode: str, given: dict[str, str]) -> ssl.SSLContext:
    """Raises OSError (ssl.SSLError is one) or ValueError for files that are not what they should be."""
    context = ssl.create_default_context(cafile=given.get("ssl-ca"))
    context.check_hostname = mode == "verify_identity"
    context.verify_mode = ssl.CERT_NONE if mode == "required" else ssl.CERT_REQUIRED
    if cert := given.get("ssl-cert"):
        context.load_cert_chain(cert, given.get("ssl-key"))
    return context


def _sqlite(alias: str, path: str) -> dict[str, Any]:
    # What an atom wrote down before it acted outside, as "this mail is under way", must outlive a loss of power.
    durable = "NORMAL" if alias == "default" else "FULL"
    return {
        "ENGINE": f"{'django.db' if alias == 'default' else 'webstreet.engine'}.backends.sqlite3",
        "NAME": path,
        "CONN_MAX_AGE": None if alias == "default" else 0,
        "OPTIONS": {
            "timeout": BUSY_TIMEOUT_S,
            # Take the write lock at BEGIN: a reader that becomes a writer later cannot wait, it fails at once.
            "transaction_mode": "IMMEDIATE",
            # What is deleted is overwritten: a person who asks to be erased is not left in a free page of the file.
            "init_command": f"PRAGMA journal_mode=WAL; PRAGMA synchronous={durable}; PRAGMA secure_delete=ON;",
        },
    }


def _postgresql(alias: str, parsed: dict[str, Any]) -> dict[str, Any]:
    options = {
        "connect_timeout": CONNECT_TIMEOUT_S,
        # Packets that vanish (a cut tunnel) otherwise hold a request for a quarter of an hour.
        "tcp_user_timeout": CONNECT_TIMEOUT_S * 1000,
    }
    return {
        **{key: parsed[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT") if key in parsed},
        "ENGINE": _engine("postgresql", alias),
        # A frozen peer on a kept connection is noticed late: an atom's own server gets a new one each request.
        "CONN_MAX_AGE": KEEP_CONNECTION_S if alias == "default" else 0,
        "CONN_HEALTH_CHECKS": alias == "default",
        "OPTIONS": options | parsed.get("OPTIONS", {}),
    }
