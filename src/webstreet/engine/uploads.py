"""Where an upload lies while the request is read."""

from __future__ import annotations

import contextlib
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import InMemoryUploadedFile, TemporaryUploadedFile
from django.core.files.uploadhandler import (
    FileUploadHandler,
    MemoryFileUploadHandler,
    StopFutureHandlers,
    StopUpload,
    TemporaryFileUploadHandler,
)

MEMORY_LIMIT_BYTES = 20 * 1024 * 1024
"""An upload to a sensitive atom may be this large; it stays in memory. Larger ones are refused by the atom's own form."""


def belongs_to_sensitive(path: str) -> bool:
    """Whether the path names a sensitive atom (``/admin/newsletter/import/``, ``/fr/newsletter/``, ``/api/newsletter/``)."""
    return not settings.WEBSTREET_SENSITIVE.isdisjoint(path.split("/"))


class RoutedUploadHandler(FileUploadHandler):
    """Memory for what goes to a sensitive atom and for small files; a temporary file for the others (large images)."""

    def handle_raw_input(
        self, input_data: Any, META: dict[str, Any], content_length: int, boundary: bytes, encoding: str | None = None
    ) -> None:
        if content_length > settings.WEBSTREET_MAX_REQUEST_BYTES:
            raise RequestDataTooBig
        private = belongs_to_sensitive(META.get("PATH_INFO", ""))
        limit = MEMORY_LIMIT_BYTES if private else settings.FILE_UPLOAD_MAX_MEMORY_SIZE
        self.refuse = private and content_length > limit
        in_memory = private or content_length <= limit
        self.inner: FileUploadHandler = (
            MemoryFileUploadHandler(self.request) if in_memory else TemporaryFileUploadHandler(self.request)
        )
        if isinstance(self.inner, MemoryFileUploadHandler):
            self.inner.activated = True

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        if self.refuse:
            raise StopUpload(connection_reset=False)
        super().new_file(*args, **kwargs)
        with contextlib.suppress(StopFutureHandlers):
            self.inner.new_file(*args, **kwargs)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        found: bytes | None = self.inner.receive_data_chunk(raw_data, start)
        return found

    def file_complete(self, file_size: int) -> InMemoryUploadedFile | TemporaryUploadedFile | None:
        found: InMemoryUploadedFile | TemporaryUploadedFile | None = self.inner.file_complete(file_size)
        return found

    def upload_interrupted(self) -> None:
        interrupted = getattr(self.inner, "upload_interrupted", None)
        if interrupted:
            interrupted()
