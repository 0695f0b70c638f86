"""Opening an archive that somebody else made: nothing leaves the folder, nothing but plain files comes out, and not too much."""

from __future__ import annotations

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from webstreet.kernel.errors import BadInput

ENTRIES_MAX = 200_000
UNPACKED_MAX_BYTES = 20 * 1024**3
RATIO_MAX = 200
"""More than so many bytes out of one is no file that people make; looked at after `RATIO_FROM_BYTES`."""
RATIO_FROM_BYTES = 100 * 1024**2
PART_BYTES = 1024 * 1024
PATH_MAX = 400
NAME_MAX_BYTES = 255
"""Of one part of a path: more is taken by no file system that we know (NAME_MAX in POSIX's limits.h)."""
BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
)


class ArchiveRefused(BadInput):
    """An archive that is damaged or was made to do harm; nothing was changed."""

    code = "archive.refused"


@dataclass(frozen=True, slots=True)
class Entry:
    """A plain file of an archive. ``file`` can be read until the next entry is asked for."""

    path: PurePosixPath
    size_bytes: int
    file: IO[bytes]


def is_archive(path: Path) -> bool:
    """Whether it begins like a zip file or something compressed by gzip."""
    with path.open("rb") as file:
        return file.read(2) in (b"PK", b"\x1f\x8b")


def entries(path: Path) -> Iterator[Entry]:
    """The plain files in an archive (.zip, .tar.gz), one after another.

    Raises:
        ArchiveRefused: a path that leads out, a link or a device, more than an archive of content can hold, or damage.
    """
    with damage_told():
        yield from _counted(_zip(path) if zipfile.is_zipfile(path) else _tar(path), path.stat().st_size)


@contextmanager
def damage_told() -> Iterator[None]:
    """Around the reading of an entry too: an archive may end in the middle of one.

    Raises:
        ArchiveRefused: for whatever the libraries say of damage.
    """
    try:
        yield
    except BROKEN as error:
        raise ArchiveRefused(
            f"The archive is damaged ({type(error).__name__}): make it again, and compare the sizes.",
            code="archive.damaged",
        ) from None


def copied(entry: Entry, target: Path) -> None:
    """Write the entry to ``target``; more than it announced is refused."""
    with target.open("wb") as out, damage_told():
        left = entry.size_bytes
        while piece := entry.file.read(min(PART_BYTES, left + 1)):
            left -= len(piece)
            if left < 0:
                raise ArchiveRefused("A file in the archive is larger than the archive says.", code="archive.bomb")
            out.write(piece)


def safe_path(name: str) -> PurePosixPath:
    """The path of an entry below the archive's top.

    Raises:
        ArchiveRefused: it is absolute, leads upwards, is too long, or has characters that no file name of ours has.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    bad = path.is_absolute() or ".." in path.parts or not path.parts or len(name) > PATH_MAX
    bad = bad or any(len(part.encode("utf-8", "surrogatepass")) > NAME_MAX_BYTES for part in path.parts)
    if bad or ":" in path.parts[0] or any(ord(c) < 32 for c in name):
        raise ArchiveRefused(
            "A path in the archive leads out of it, or is none: it is not opened.", code="archive.path"
        )
    return path


def _zip(path: Path) -> Iterator[Entry]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            name = safe_path(info.filename)
            if info.is_dir():
                continue
            if kind not in (0, stat.S_IFREG):
                raise ArchiveRefused(
                    "The archive holds a link or a device: only plain files are taken.", code="archive.link"
                )
            with archive.open(info) as file:
                yield Entry(name, info.file_size, file)


def _tar(path: Path) -> Iterator[Entry]:
    with tarfile.open(path, "r|gz") as archive:
        while (info := archive.next()) is not None:
            # It would remember every entry for those who go back to one.
            archive.members.clear()  # type: ignore[attr-defined]
            if info.name.strip("./") == "" and info.isdir():
                continue
            name = safe_path(info.name)
            if info.isdir():
                continue
            if not info.isreg() or info.issparse():
                raise ArchiveRefused(
                    "The archive holds a link or a device: only plain files are taken.", code="archive.link"
                )
            file = archive.extractfile(info)
            if file is not None:
                yield Entry(name, info.size, file)


class Places:
    """Where files are put: none where another one needs a folder."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def take(self, path: PurePosixPath) -> None:
        """Raises:
        ArchiveRefused: something else makes a folder of it, or a file of a folder above it.
        """
        name, above = str(path), [str(folder) for folder in path.parents][:-1]
        if name in self._folders or not self._files.isdisjoint(above):
            raise ArchiveRefused(
                "A name in the archive is that of a file and of a folder, which cannot be: make the archive again.",
                code="archive.names",
            )
        self._files.add(name)
        self._folders.update(above)


def _counted(found: Iterator[Entry], packed_bytes: int) -> Iterator[Entry]:
    unpacked, places = 0, Places()
    for number, entry in enumerate(found, 1):
        unpacked += entry.size_bytes
        ratio = unpacked / max(1, packed_bytes)
        if number > ENTRIES_MAX or unpacked > UNPACKED_MAX_BYTES or (unpacked > RATIO_FROM_BYTES and ratio > RATIO_MAX):
            raise ArchiveRefused(
                "The archive would unpack to far more than it can hold: it is not opened.", code="archive.bomb"
            )
        places.take(entry.path)
        yield entry
