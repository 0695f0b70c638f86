"""Writing everything a site holds as one archive, which `engine.imports.webstreet` reads back into an empty site.

The archive is a tar.gz. Its first member is ``manifest.json`` (`Manifest`), its last ``checksums.json`` (path -> SHA-256): an archive
without it was cut off. Between them: ``rows/KIND-N.jsonl``, one object a line, and ``files/PATH``. Rows name one another by what is the
same on every site (a file's path, a page's translation key and language, a slug), never by a number of a database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from webstreet.contract.base import Document

FORMAT, VERSION = "webstreet-export", 1
MANIFEST, CHECKSUMS = "manifest.json", "checksums.json"
Row = dict[str, Any]


class Manifest(Document):
    """What the archive says of itself.

    Attributes:
        site: client/name of the site it was made of. release: that wrote it. made_at: ISO 8601.
        parameters: atom -> parameters of the site; they belong to the control plane, so that an import only compares them.
        left_out: atoms whose own data are not in the archive.
    """

    format: str
    version: int
    site: str
    title: str
    template: str
    languages: list[str]
    release: str
    made_at: str
    parameters: dict[str, dict[str, Any]]
    left_out: list[str] = []


@dataclass(frozen=True, slots=True)
class Kind:
    """A model of the default database whose rows are exported field by field.

    Attributes:
        name: of its files in the archive. model: its class. key: the field that names a row on every site.
        unique: the fields that tell two rows apart, where that is not ``key`` alone.
        leave: fields that are not exported, besides numbers of the database.
    """

    name: str
    model: type[Model]
    key: str
    unique: tuple[str, ...] = ()
    leave: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rows:
    """What an atom writes and reads by itself, because its tables live elsewhere.

    Attributes:
        name: of its files in the archive. atom: whose data they are; with `leave_out` they stay away.
        write: the rows. read: takes them; called once with all of them.
    """

    name: str
    atom: str
    write: Callable[[], Iterator[Row]]
    read: Callable[[Iterable[Row]], None]
