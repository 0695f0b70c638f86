"""Where files lie: the site's own uploads, a sensitive atom's files, and the engine's static files."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import cache
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.core.files.storage import FileSystemStorage, Storage, storages

from webstreet.engine.routers import home
from webstreet.kernel.errors import Denied

LONGEST_NAME, LONGEST_EXTENSION = 80, 10


class SiteStorage(FileSystemStorage):
    """Uploads that readers may fetch below MEDIA_URL, under names that mean the same to every server, shell and browser."""

    def get_valid_name(self, name: str) -> str:
        """``Ma Photo.php.JPG`` -> ``Ma-Photo-php.jpg``."""
        stem, dot, extension = name.strip().rpartition(".")
        stem, extension = (_plain(stem), _plain(extension).lower()) if dot else (_plain(name), "")
        return f"{(stem or 'file')[:LONGEST_NAME]}{'.' if extension else ''}{extension[:LONGEST_EXTENSION]}"


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_]+", "-", folded).strip("-")


class AtomStorage(FileSystemStorage):
    """Files of one sensitive atom, in a folder of their own; they have no address.

    Django's FileSystemStorage falls back to MEDIA_URL when it is given none, so `url` refuses.
    """

    def __init__(self, atom: str) -> None:
        environment = settings.WEBSTREET_ENVIRONMENT
        folder: Path = environment.files.get(atom, environment.data_dir / f"{atom}-files")
        super().__init__(location=folder, file_permissions_mode=0o600, directory_permissions_mode=0o700)

    def url(self, name: str | None) -> str:
        raise Denied("This file has no public address.", code="file.private")


def storage_of(app_label: str) -> Storage:
    """The storage of an app's files: give it to FileField as a callable, ``storage=partial(storage_of, "newsletter")``."""
    found: Storage = storages[home(app_label)]
    return found


class VersionedStatic(StaticFilesStorage):
    """Static files under their own names, with a hash of the content in the query, so that caches keep them for long.

    Names without hashes need no collecting, and a page made by the previous release still finds its files.
    """

    def url(self, name: str | None) -> str:
        plain: str = super().url(name)
        version = _version(name or "")
        return f"{plain}?v={version}" if version else plain


@cache
def _version(name: str) -> str:
    path = finders.find(name.partition("#")[0].partition("?")[0])
    if not isinstance(path, str) or not Path(path).is_file():
        return ""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]
