"""From Webstreet: an archive written by ``export``, read back into an empty site.

First the whole archive is checked and nothing is changed. Then the content is taken in one transaction, and after it what the atoms keep
by themselves, in batches; an import that was cut off is finished by repeating it.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from django.conf import settings
from django.db import transaction
from pydantic import ValidationError

from webstreet.contract.jobs import ImportReport
from webstreet.engine.exports import CHECKSUMS, FORMAT, MANIFEST, VERSION, Manifest, Row, kinds
from webstreet.engine.imports import ImportContext, archives
from webstreet.engine.imports.content import Content
from webstreet.engine.imports.crispy_octo import ImportFileMissing
from webstreet.engine.imports.origin import Origin
from webstreet.kernel.errors import BadInput, Conflict

SOURCE = "webstreet"
META_MAX_BYTES = 64 * 1024**2
LINE_MAX_BYTES = 16 * 1024**2
PIECE_BYTES = 1024 * 1024
_ROWS = re.compile(r"rows/([a-z][a-z-]{0,40})-[0-9]{6}\.jsonl")
Report = Callable[[str, int, int], None]


class ArchiveInvalid(BadInput):
    """The archive is not one of ours, or was changed or cut off after it was written; nothing was changed."""

    code = "archive.invalid"


class SiteNotEmpty(Conflict):
    """An archive is read back into an empty site only."""

    code = "import.site_not_empty"


class SiteUnlike(Conflict):
    """The site has other languages than the archive."""

    code = "import.languages"


def run(path: Path, report: Report) -> ImportReport:
    """Read an archive back.

    Raises:
        ImportFileMissing: no such file.
        ArchiveRefused, ArchiveInvalid: the archive is damaged, was changed, or is of a newer release; nothing was changed.
        SiteNotEmpty, SiteUnlike: this is not the site for it; nothing was changed.
    """
    context = ImportContext(SOURCE, report)
    try:
        path.open("rb").close()
        with archives.damage_told():
            manifest, mark = _checked(path, report)
    except OSError as error:
        raise ImportFileMissing(f"{path} cannot be read: {error.strerror}.") from None
    _compare(manifest, context)
    key = {"source": SOURCE, "kind": "step", "external_id": mark}
    content = Content(context)
    if Origin.objects.filter(**key).exists():
        context.note("The content was taken before; only what was missing is taken now.")
    else:
        if content.is_there_already():
            raise SiteNotEmpty(
                "This site has content of its own. An archive is read back into a new site: open one, and import it there."
            )
        with transaction.atomic():
            content.make_room()
            for name, found in _groups(path):
                content.take(name, found)
            for name, found in _groups(path):
                if name == kinds.PAGES:
                    content.fill(row for row in found if isinstance(row, dict))
            content.end()
            Origin.objects.create(**key, object_id=0)
    own = {entry.name: entry for entry in kinds.rows()}
    for name, found in _groups(path):
        if name in own:
            own[name].read(context.watched_rows(name, found))
    return context.finish()


def _checked(path: Path, report: Report) -> tuple[Manifest, str]:
    """Read everything once: the manifest, and a mark that tells this archive from others."""
    sums: dict[str, str] = {}
    manifest, last = None, b""
    for number, entry in enumerate(archives.entries(path)):
        name = str(entry.path)
        if number == 0:
            data = _small(entry)
            manifest, sums[name] = _manifest(name, data), hashlib.sha256(data).hexdigest()
            continue
        if last:
            raise ArchiveInvalid("The archive goes on after its end: it was changed after it was written.")
        if name == CHECKSUMS:
            last = _small(entry)
            continue
        if name in sums or not (name.startswith("files/") or _ROWS.fullmatch(name)):
            raise ArchiveInvalid(f'The archive holds "{name[:80]}", which no export writes: it was changed.')
        sums[name] = _sum(entry, of_rows=name.startswith(f"rows/{kinds.PAGES}-"))
        if number % 50 == 0:
            report("check", number, 0)
    if manifest is None:
        raise ArchiveInvalid("The archive is empty. Give the file that webstreet site export wrote.")
    try:
        wanted = json.loads(last)["sha256"] if last else None
    except (ValueError, KeyError, TypeError, RecursionError):
        wanted = None
    if not last:
        raise ArchiveInvalid(
            "The archive ends too early: it was cut off. Make the export again.", code="archive.truncated"
        )
    if wanted != sums:
        raise ArchiveInvalid(
            "The archive's checksums do not fit: a part was changed, or is missing. Make the export again.",
            code="archive.checksum",
        )
    return manifest, hashlib.sha256(last).hexdigest()


def _manifest(name: str, data: bytes) -> Manifest:
    if name != MANIFEST:
        raise ArchiveInvalid(
            "The archive does not begin with a manifest. Give the file that webstreet site export wrote."
        )
    try:
        found = json.loads(data)
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise ArchiveInvalid("The archive is not an export of Webstreet.")
        if not isinstance(found.get("version"), int) or found["version"] > VERSION:
            raise ArchiveInvalid(
                "The archive was written by a newer release: update this site first, then import it.",
                code="archive.newer",
            )
        manifest = Manifest.model_validate(found)
    except (ValueError, ValidationError, RecursionError):
        raise ArchiveInvalid("The archive's manifest cannot be read: it was changed. Make the export again.") from None
    return manifest


def _small(entry: archives.Entry) -> bytes:
    if entry.size_bytes > META_MAX_BYTES:
        raise ArchiveInvalid("The archive's manifest is too large to be one.")
    return entry.file.read(entry.size_bytes + 1)  # room is made for all that is asked for


def _sum(entry: archives.Entry, *, of_rows: bool) -> str:
    """The checksum of an entry; ``of_rows``: each of its rows must be readable, because files are stored before they are."""
    digest = hashlib.sha256()
    while piece := entry.file.readline(LINE_MAX_BYTES) if of_rows else entry.file.read(PIECE_BYTES):
        digest.update(piece)
        if of_rows:
            _row(piece)
    return digest.hexdigest()


def _row(line: bytes) -> Row:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        raise ArchiveInvalid("A row of the archive cannot be read: the archive was changed after it was written.")
    return row


def _groups(path: Path) -> Iterator[tuple[str, Iterator[Any]]]:
    """(kind, its rows) in the archive's order; for ``files``, the entries themselves."""

    def kind(entry: archives.Entry) -> str:
        found = _ROWS.fullmatch(str(entry.path))
        return found[1] if found else entry.path.parts[0]

    for name, entries in itertools.groupby(archives.entries(path), kind):
        yield name, entries if name == "files" else _rows(entries)  # noqa: B031 either, never both


def _rows(entries: Iterator[archives.Entry]) -> Iterator[Row]:
    for entry in entries:
        if PurePosixPath(entry.path).suffix == ".jsonl":
            while line := entry.file.readline(LINE_MAX_BYTES):
                yield _row(line)


def _compare(manifest: Manifest, context: ImportContext) -> None:
    site = settings.WEBSTREET_SITE
    if manifest.languages[:1] != list(site.languages)[:1] or not set(manifest.languages) <= set(site.languages):
        raise SiteUnlike(
            f"The archive is of a site in {', '.join(manifest.languages)}, this one is in {', '.join(site.languages)}."
            " Open a site with the same languages, the first one first."
        )
    for atom in manifest.left_out:
        context.note(f"The archive leaves out what {atom} keeps: it was made without it.")
    for atom, given in manifest.parameters.items():
        if atom not in site.atoms:
            context.note(f"This site has no {atom}; what belongs to it is not taken.")
        elif given != dict(site.atoms[atom]):
            context.note(
                f"The parameters of {atom} differ; there they are {json.dumps(given, ensure_ascii=False)[:500]}."
            )
