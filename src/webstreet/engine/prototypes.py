"""Freshly migrated SQLite files, kept in the user's cache folder, so that opening a site does not take seven seconds.

A prototype is what ``migrate`` and the content types made, before anything of a site was written. Its name is a hash of everything
that result depends on. Absent, unwritable or damaged: the site migrates as usual.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import os
import sqlite3
from importlib.metadata import version
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import connections
from django.db.migrations.loader import MigrationLoader

KEEP = 6
_DISTRIBUTIONS = ("django", "wagtail", "django-tasks-db", "django-taggit", "django-modelcluster")


def folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "webstreet" / "databases"


def key(alias: str) -> str:
    """Hash of the migrations' source, the libraries, the models (content types), languages and routing."""
    digest = hashlib.sha256()
    loader = MigrationLoader(None, ignore_no_migrations=True)
    for name, migration in sorted(loader.disk_migrations.items()):
        digest.update(repr(name).encode())
        digest.update(Path(inspect.getfile(type(migration))).read_bytes())
    for model in sorted(apps.get_models(include_auto_created=True), key=lambda m: m._meta.label):
        options = model._meta
        digest.update(
            f"{options.label}{options.default_permissions}{options.permissions}{options.verbose_name}".encode()
        )
    parts = [
        alias,
        settings.LANGUAGE_CODE,
        *(code for code, _ in settings.LANGUAGES),
        *sorted(settings.WEBSTREET_SENSITIVE),
    ]
    parts += [f"{name} {version(name)}" for name in _DISTRIBUTIONS] + [sqlite3.sqlite_version]
    digest.update("\n".join(parts).encode())
    return digest.hexdigest()[:32]


def use(alias: str) -> bool:
    """Copy the prototype to where the alias's file should be, if there is one and the file is not; whether it did."""
    target = _absent_file(alias)
    if target is None:
        return False
    source = _path(alias)
    if not source.is_file():
        return False
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        copy(source, draft)
        # A link, not a rename: what somebody else put there meanwhile stays.
        os.link(draft, target)
    except (OSError, sqlite3.Error):
        return False
    finally:
        draft.unlink(missing_ok=True)
    os.utime(source)
    return True


def keep(alias: str) -> None:
    """Keep a copy of the alias's file, which was just migrated from nothing."""
    name = connections[alias].settings_dict["NAME"]
    with contextlib.suppress(OSError, sqlite3.Error):
        folder().mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = folder() / f".{os.getpid()}.{alias}"
        try:
            copy(Path(name), draft)
            os.replace(draft, _path(alias))
        finally:
            draft.unlink(missing_ok=True)
        for old in sorted(folder().glob(f"{alias}-*.sqlite3"), key=lambda p: p.stat().st_mtime)[:-KEEP]:
            old.unlink(missing_ok=True)


def is_absent(alias: str) -> bool:
    """Whether the alias is SQLite and its file does not exist yet."""
    return _absent_file(alias) is not None


def copy(source: Path, target: Path) -> None:
    """A consistent copy of a SQLite database that may be in use; readable by its owner only.

    Raises:
        sqlite3.Error: the source is not a database; the target is removed.
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    with (
        contextlib.closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=30)) as reading,
        contextlib.closing(sqlite3.connect(target)) as writing,
    ):
        reading.backup(writing)
        # The copy must be one file: a database in WAL mode would look for its log beside it.
        writing.execute("PRAGMA journal_mode=DELETE")


def _path(alias: str) -> Path:
    return folder() / f"{alias}-{key(alias)}.sqlite3"


def _absent_file(alias: str) -> Path | None:
    connection = connections[alias]
    path = Path(str(connection.settings_dict["NAME"]))
    return path if connection.vendor == "sqlite" and not path.exists() else None
