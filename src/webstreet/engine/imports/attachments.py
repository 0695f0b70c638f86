"""Images and documents of a source, put into the site's own libraries."""

from __future__ import annotations

import io
import re
import unicodedata
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, cast

from django.conf import settings
from django.core.files import File
from django.db import transaction
from wagtail.documents import get_document_model
from wagtail.images import get_image_model

from webstreet.engine.imports.origin import Origin
from webstreet.engine.uploaded import FileRefused, check_document, clean_image
from webstreet.engine.uploaded.documents import EXTENSIONS
from webstreet.engine.uploaded.images import FORMATS

IMAGE_TYPES = {"." + extension for extension in FORMATS}
DOCUMENT_TYPES = {"." + extension for extension in EXTENSIONS}
IMAGE_MAX_BYTES = 50 * 1024**2
NAME_MAX = 60


def kind_of(name: str) -> str:
    """ "image", "document", or "" for what is not taken."""
    suffix = PurePosixPath(name.lower()).suffix
    return "image" if suffix in IMAGE_TYPES else "document" if suffix in DOCUMENT_TYPES else ""


def find(source: str, kind: str, external_id: str) -> int | None:
    """The id of the image or document that was made of this record, if it is still there."""
    origin = Origin.objects.filter(source=source, kind=kind, external_id=external_id).first()
    if origin is None or not _model(kind).objects.filter(pk=origin.object_id).exists():
        return None
    return int(origin.object_id)


def put(source: str, external_id: str, name: str, file: IO[bytes], *, title: str, alt: str) -> int:
    """Make an image or a document of the file; its id. The file's name is made of the record, so that a repeated attempt writes over
    what a killed one left.

    Raises:
        FileRefused: see `harmless`.
    """
    kind = kind_of(name)
    file = harmless(name, file)
    model = _model(kind)
    made = model(title=(" ".join(title.split()) or name)[:255])
    if kind == "image" and hasattr(made, "description"):
        made.description = " ".join(alt.split())[:255]
    target = f"{source}-{external_id}-{_plain(name)}"
    path = made.get_upload_to(target) if kind == "image" else f"documents/{target}"
    field = model._meta.get_field("file")
    with transaction.atomic():
        if not model.objects.filter(file=path).exists():
            field.storage.delete(path)  # left by a kill between writing the file and committing its row
        made.file = File(file, name=target)
        if kind == "document":
            made.file_size = _size(file)
        made.save()
        Origin.objects.update_or_create(
            source=source, kind=kind, external_id=external_id, defaults={"object_id": made.pk}
        )
    return int(made.pk)


def beside_the_data() -> Path | None:
    """Where files lie that are only passing through: a system's own folder for that may be memory."""
    folder: Path = settings.WEBSTREET_ENVIRONMENT.data_dir
    return folder if folder.is_dir() else None


def from_bytes(data: bytes) -> IO[bytes]:
    return io.BytesIO(data)


def harmless(name: str, file: IO[bytes]) -> IO[bytes]:
    """The file as it may be kept: an image without what its camera wrote about where it was taken.

    Raises:
        FileRefused: too large, not what its name says, or not harmless.
    """
    if kind_of(name) == "document":
        check_document(name, cast(BinaryIO, file))
        return file
    if _size(file) > IMAGE_MAX_BYTES:
        raise FileRefused(f"The picture is larger than {IMAGE_MAX_BYTES // 1024**2} MB.")
    return io.BytesIO(clean_image(name, file.read()))


def _size(file: IO[bytes]) -> int:
    end = file.seek(0, io.SEEK_END)
    file.seek(0)
    return end


def _plain(name: str) -> str:
    path = PurePosixPath(name)
    stem = unicodedata.normalize("NFKD", path.stem).encode("ascii", "ignore").decode()
    return (re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._")[:NAME_MAX] or "file") + path.suffix.lower()


def _model(kind: str) -> Any:
    return get_image_model() if kind == "image" else get_document_model()


def file_below(folder: Path, *candidates: str) -> Path | None:
    """The first of these relative paths that is a plain file below the folder."""
    top = folder.resolve()
    for candidate in candidates:
        if candidate and (path := (top / candidate).resolve()).is_relative_to(top) and path.is_file():
            return path
    return None
