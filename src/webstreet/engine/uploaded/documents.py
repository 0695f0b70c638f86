"""Documents, by what they are. Only kinds that people hand to readers, and none that a browser would run."""

from __future__ import annotations

import re
import zipfile
import zlib
from typing import BinaryIO

from django.utils.translation import gettext as _

from webstreet.engine.uploaded.errors import FileRefused
from webstreet.engine.uploaded.polyglots import refuse_markup

MOST_PARTS = 10_000
MOST_UNPACKED_BYTES = 512 * 1024 * 1024
MOST_RATIO = 200
"""Unpacked to packed, of an archive larger than `SMALL_BYTES` unpacked: text compresses ten to thirty times."""
SMALL_BYTES = 16 * 1024 * 1024
_HEAD_BYTES = 4096
OFFICE = {"docx": "word/", "xlsx": "xl/", "pptx": "ppt/"}
OPEN = {
    "odt": b"application/vnd.oasis.opendocument.text",
    "ods": b"application/vnd.oasis.opendocument.spreadsheet",
    "odp": b"application/vnd.oasis.opendocument.presentation",
    "epub": b"application/epub+zip",
}
MACROS = re.compile(r"vbaproject\.bin$|^(basic|scripts)/.", re.IGNORECASE)
"""Parts in which Microsoft's programs, and those that write OpenDocument, keep macros."""
TEXT = {"txt", "csv", "ics", "md"}
STARTS: dict[str, re.Pattern[bytes]] = {
    "pdf": re.compile(rb"%PDF-\d\.\d"),
    "mp3": re.compile(rb"ID3|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]"),
    "m4a": re.compile(rb"....ftyp", re.S),
    "mp4": re.compile(rb"....ftyp", re.S),
    "ogg": re.compile(rb"OggS"),
}
EXTENSIONS = sorted([*OFFICE, *OPEN, *TEXT, *STARTS, "zip"])


def check_document(name: str, file: BinaryIO) -> None:
    """Leaves ``file`` at its start.

    Raises:
        FileRefused: it is not of a kind that may be uploaded, not of the kind that ``name`` says, or it unpacks to far too much.
    """
    kind = name.rpartition(".")[2].lower() if "." in name else ""
    if kind not in EXTENSIONS:
        raise FileRefused(
            _("Files of this kind cannot be uploaded. These can: %(kinds)s.") % {"kinds": ", ".join(EXTENSIONS)},
            code="file.kind",
        )
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    if kind in TEXT:
        _text(kind, file, head)
    elif kind in STARTS:
        if not STARTS[kind].match(head):
            raise _other(kind)
        refuse_markup(head)
    else:
        _archive(kind, file, head)
    file.seek(0)


def _other(kind: str) -> FileRefused:
    return FileRefused(
        _("This is not a .%(kind)s file, whatever its name says.") % {"kind": kind}, code="file.other_kind"
    )


def _text(kind: str, file: BinaryIO, head: bytes) -> None:
    if b"\x00" in head:
        raise _other(kind)
    refuse_markup(head)


def _archive(kind: str, file: BinaryIO, head: bytes) -> None:
    if not head.startswith(b"PK\x03\x04"):
        raise _other(kind)
    try:
        file.seek(0)
        with zipfile.ZipFile(file) as archive:
            _refuse_bomb(archive)
            names = archive.namelist()
            if kind in OFFICE:
                _office(kind, names)
            elif kind in OPEN and ("mimetype" not in names or archive.read("mimetype")[:100].strip() != OPEN[kind]):
                raise _other(kind)
            if kind in OFFICE or kind in {"odt", "ods", "odp"}:
                _refuse_macros(names)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError):
        raise FileRefused(_("This file is damaged: its archive cannot be read."), code="file.damaged") from None


def _office(kind: str, names: list[str]) -> None:
    if "[Content_Types].xml" not in names or not any(name.startswith(OFFICE[kind]) for name in names):
        raise _other(kind)


def _refuse_macros(names: list[str]) -> None:
    if any(MACROS.search(name) for name in names):
        raise FileRefused(
            _("This document holds macros, programs that run on the computers of your readers. Save it without them."),
            code="file.macros",
        )


def _refuse_bomb(archive: zipfile.ZipFile) -> None:
    """By what the archive says of itself; who lies there is found out by nobody here, because nothing is unpacked."""
    parts = archive.infolist()
    unpacked = sum(part.file_size for part in parts)
    packed = sum(part.compress_size for part in parts) or 1
    nested = any(part.filename.lower().endswith((".zip", ".jar")) for part in parts)
    if (
        len(parts) > MOST_PARTS
        or unpacked > MOST_UNPACKED_BYTES
        or (unpacked > SMALL_BYTES and unpacked / packed > MOST_RATIO)
        or nested
    ):
        raise FileRefused(
            _("This archive unpacks to far more than it seems to hold, or holds further archives."), code="file.bomb"
        )
