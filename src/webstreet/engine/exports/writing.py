"""Writing the archive as a stream: nothing of it is kept on disk, and no more than one file of rows in memory."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import tarfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO, Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.utils import timezone
from modelcluster.models import get_serializable_data_for_fields
from wagtail.models import Collection, Page, PageViewRestriction

from webstreet import __version__
from webstreet.engine import site as this_site
from webstreet.engine.exports import CHECKSUMS, FORMAT, MANIFEST, VERSION, Kind, Manifest, Row, kinds
from webstreet.engine.exports.portable import PAGE_LEAVES, ROW_LEAVES, Names, renamed
from webstreet.engine.rows import by_key, swept

ROWS_BYTES = 512 * 1024
"""About how much one file of rows holds."""
AT_ONCE = 200
PAGES_AT_ONCE = 10
"""A page may be of megabytes, and is there several times while it is written."""
FILE_MODE = 0o600
Report = Callable[[str, int, int], None]


def write(out: IO[bytes], report: Report, *, leave_out: Iterable[str] = ()) -> dict[str, int]:
    """Write the whole site to ``out``, which need not be seekable; how many rows there are of each kind.

    Args:
        leave_out: atoms whose own data stay away, such as those that the client keeps on a server of its own.
    """
    left_out = sorted(set(leave_out))
    with tarfile.open(fileobj=out, mode="w|gz", format=tarfile.PAX_FORMAT) as tar:
        archive = _Archive(tar, report)
        archive.member(MANIFEST, _manifest(left_out).model_dump_json(indent=1).encode())
        with _one_moment():
            names = Names([*kinds.before_pages(), *kinds.after_pages()])
            for kind in kinds.before_pages():
                archive.rows(kind.name, _rows(kind, names))
                if kind.name in kinds.FILES:
                    _files(kind, archive)
            archive.rows(kinds.PAGES, _pages(names))
            for kind in kinds.after_pages():
                archive.rows(kind.name, _rows(kind, names))
        for entry in kinds.rows():
            if entry.atom not in left_out:
                archive.rows(entry.name, entry.write())
        archive.end()
    return dict(archive.counts)


def _manifest(left_out: list[str]) -> Manifest:
    site = settings.WEBSTREET_SITE
    return Manifest(
        format=FORMAT,
        version=VERSION,
        site=str(site.id),
        title=site.title,
        template=site.template,
        languages=list(site.languages),
        release=__version__,
        made_at=timezone.now().isoformat(timespec="seconds"),
        parameters={name: dict(given) for name, given in site.atoms.items()},
        left_out=left_out,
    )


@contextmanager
def _one_moment() -> Iterator[None]:
    """Everything that is read within it is of the same moment, and nobody waits for its end: whoever takes the archive may be slow."""
    with _reading_only(), transaction.atomic():
        if connection.vendor != "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


@contextmanager
def _reading_only() -> Iterator[None]:
    """SQLite's transactions take the lock for writing when they begin, unless they are told not to."""
    if connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    ours: Any = connection
    before, ours.transaction_mode = ours.transaction_mode, "DEFERRED"
    try:
        yield
    finally:
        ours.transaction_mode = before


class _Archive:
    """A tar that is written front to back, and the checksums of what is in it."""

    def __init__(self, tar: tarfile.TarFile, report: Report) -> None:
        self._tar = tar
        self._report = report
        self._sums: dict[str, str] = {}
        self.counts: Counter[str] = Counter()

    def member(self, path: str, data: bytes) -> None:
        self.file(path, io.BytesIO(data), len(data))

    def file(self, path: str, file: IO[bytes], size_bytes: int) -> None:
        info = tarfile.TarInfo(path)
        info.size, info.mode = size_bytes, FILE_MODE
        summed = _Summed(file)
        self._tar.addfile(info, summed)  # type: ignore[arg-type]
        self._tar.members.clear()  # type: ignore[attr-defined]  # nobody asks it what it holds
        self._sums[path] = summed.digest.hexdigest()

    def rows(self, name: str, found: Iterable[Row]) -> None:
        """Rows as files of one object a line."""
        number, lines, size = 0, [], 0
        for row in found:
            line = json.dumps(row, cls=_Encoder, ensure_ascii=False, sort_keys=True).encode() + b"\n"
            lines.append(line)
            size += len(line)
            self.counts[name] += 1
            if size >= ROWS_BYTES:
                number += 1
                self.member(f"rows/{name}-{number:06}.jsonl", b"".join(lines))
                lines, size = [], 0
                self._report(name, self.counts[name], 0)
        if lines:
            self.member(f"rows/{name}-{number + 1:06}.jsonl", b"".join(lines))
        self._report(name, self.counts[name], self.counts[name])

    def end(self) -> None:
        body = {"sha256": self._sums, "counts": dict(self.counts)}
        self.member(CHECKSUMS, json.dumps(body, indent=0).encode())


class _Encoder(DjangoJSONEncoder):
    """A moment in milliseconds, as Django writes it, but always alike: some microseconds past a second it would be "35.000Z", and "35Z"
    once it was read back.
    """

    def default(self, o: Any) -> Any:
        return super().default(o.replace(microsecond=o.microsecond // 1000 * 1000) if isinstance(o, dt.datetime) else o)


class _Summed(io.RawIOBase):
    """A file that is summed while it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.digest.update(data)
        return data


def _rows(kind: Kind, names: Names) -> Iterator[Row]:
    leave, restricted = ROW_LEAVES | set(kind.leave), _restricted_collections()
    for row in by_key(kind.model._default_manager.all(), kind.key, size=AT_ONCE):
        data = get_serializable_data_for_fields(row)
        found = renamed(kind.model, data, _known(names), leave)
        if hasattr(row, "tags"):
            found["tags"] = sorted(row.tags.names())
        if getattr(row, "collection_id", None) in restricted:
            found["restricted"] = True
        yield found


def _restricted_collections() -> set[int]:
    """Collections that are not for everybody, by themselves or because one above them is not."""
    tops = Collection.objects.filter(view_restrictions__isnull=False).distinct()
    return {number for top in tops for number in top.get_descendants(inclusive=True).values_list("pk", flat=True)}


def _files(kind: Kind, archive: _Archive) -> None:
    """The file of each row; one that is gone from the store is left out, and its row says so by having none."""
    for row in by_key(kind.model._default_manager.all(), kind.key, size=AT_ONCE):
        try:
            with row.file.open("rb") as file:
                archive.file(f"files/{row.file.name}", file, row.file.size)
        except FileNotFoundError:
            continue


def _pages(names: Names) -> Iterator[Row]:
    root, restricted = this_site.home_page().pk, _restrictions()
    pages = by_key(Page.objects.filter(depth__gt=1).specific(defer=False), "path", size=PAGES_AT_ONCE)
    for page in swept(pages, every=PAGES_AT_ONCE):
        parent = page.get_parent()
        revisions = {r.pk: r for r in (page.latest_revision, page.scheduled_revision) if r is not None}
        if page.live and not page.has_unpublished_changes and page.latest_revision_id == page.live_revision_id:
            revisions.pop(page.latest_revision_id, None)  # says what the page itself says
        yield {
            "name": names.of(Page, page.pk),
            "model": page._meta.label_lower,
            "parent": names.of(Page, parent.pk) if parent is not None and parent.depth > 1 else None,
            "home": page.pk == root,
            "data": _page_data(type(page), page.serializable_data(), names),
            "restrictions": restricted.get(page.pk, []),
            "revisions": [
                {
                    "data": _page_data(type(page), revision.content, names),
                    "approved_go_live_at": revision.approved_go_live_at,
                    "latest": revision.pk == page.latest_revision_id,
                }
                for revision in sorted(revisions.values(), key=lambda r: r.pk)
            ],
        }


def _restrictions() -> dict[int, list[Row]]:
    """Page -> who alone may see it and what is below it. A shared password is among it as Wagtail keeps it: in words."""
    found: dict[int, list[Row]] = {}
    for one in PageViewRestriction.objects.order_by("pk").prefetch_related("groups"):
        groups = sorted(group.name for group in one.groups.all())
        row = {"type": one.restriction_type, "password": one.password, "groups": groups}
        found.setdefault(one.page_id, []).append(row)
    return found


def _page_data(model: type[Page], data: dict[str, Any], names: Names) -> Row:
    known = {field.name for field in model._meta.get_fields()}
    return renamed(model, {k: v for k, v in data.items() if k in known}, _known(names), PAGE_LEAVES)


def _known(names: Names) -> Callable[[Any, Any], Any]:
    return partial(_of, names)


def _of(names: Names, model: Any, number: Any) -> Any:
    return names.of(model, number)
