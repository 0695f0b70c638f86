"""From database URLs to Django's DATABASES: one alias ``default`` and one per sensitive atom.

An atom's alias uses backends of ours (`webstreet.engine.backends`) that give up fast when its server is away, so that the rest
of the site stays quick.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import dj_database_url

from webstreet.contract.environment import SettingInvalid
from webstreet.engine.environment import Environment

BUSY_TIMEOUT_S = 10
CONNECT_TIMEOUT_S = 3
KEEP_CONNECTION_S = 60
_ENGINES = {"sqlite": "sqlite3", "postgres": "postgresql", "postgresql": "postgresql"}


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
    if parts.scheme not in _ENGINES:
        raise SettingInvalid(
            f"{variable} must start with postgresql:// or sqlite:///; this release knows no {parts.scheme or 'other'} databases.",
            code="setting.database_url",
        )
    try:
        parsed: dict[str, Any] = dict(dj_database_url.parse(url))
    except (ValueError, KeyError):
        raise SettingInvalid(
            f"{variable} is not a URL of a database: write postgresql://user:password@host:5432/name.",
            code="setting.database_url",
        ) from None
    if not parsed["NAME"]:
        raise SettingInvalid(f"{variable} names no database: end it with /NAME.", code="setting.database_url")
    if parts.scheme == "sqlite":
        return _sqlite(alias, parsed["NAME"])
    return _postgresql(alias, parsed)


def _engine(alias: str, kind: str) -> str:
    return f"django.db.backends.{kind}" if alias == "default" else f"webstreet.engine.backends.{kind}"


def _sqlite(alias: str, path: str) -> dict[str, Any]:
    return {
        "ENGINE": _engine(alias, "sqlite3"),
        "NAME": path,
        "CONN_MAX_AGE": None if alias == "default" else 0,
        "OPTIONS": {
            "timeout": BUSY_TIMEOUT_S,
            # Take the write lock at BEGIN: a reader that becomes a writer later cannot wait, it fails at once.
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
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
        "ENGINE": _engine(alias, "postgresql"),
        # A frozen peer on a kept connection hangs whatever is set: an atom's own server gets a new one each request.
        "CONN_MAX_AGE": KEEP_CONNECTION_S if alias == "default" else 0,
        "CONN_HEALTH_CHECKS": alias == "default",
        "OPTIONS": options | parsed.get("OPTIONS", {}),
    }
