"""Wagtail's forms for images and documents, which every way of uploading uses: one file, several, and the choosers."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from wagtail.documents.forms import BaseDocumentForm
from wagtail.images.forms import BaseImageForm

from webstreet.engine.accounts.models import SecuritySettings
from webstreet.engine.uploaded.documents import check_document
from webstreet.engine.uploaded.errors import FileRefused
from webstreet.engine.uploaded.images import clean_image, damaged

MEGABYTE = 1024 * 1024


def _largest_bytes() -> int:
    return SecuritySettings.load().upload_mb * MEGABYTE


class ImageForm(BaseImageForm):
    """The file that is kept is the cleaned one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields.get("file")
        if field is not None:
            field.check_image_pixel_size = _or_damaged(field.check_image_pixel_size)
            field.max_upload_size = _largest_bytes()
            field.max_upload_size_text = filesizeformat(field.max_upload_size)
            field.help_text = _("%(kinds)s, at most %(size)s. Where and with what a picture was taken is removed.") % {
                "kinds": field.supported_formats_text,
                "size": field.max_upload_size_text,
            }

    def clean_file(self) -> Any:
        file = self.cleaned_data.get("file")
        if not isinstance(file, UploadedFile):
            return file
        file.seek(0)
        try:
            cleaned = clean_image(file.name or "", file.read())
        except FileRefused as error:
            raise ValidationError(error.message, code=error.error_code) from None
        _replace(file, cleaned)
        return file


class DocumentForm(BaseDocumentForm):
    """Takes what may be handed to readers."""

    def clean_file(self) -> Any:
        file = self.cleaned_data.get("file")
        if not isinstance(file, UploadedFile):
            return file
        largest = _largest_bytes()
        if (file.size or 0) > largest:
            raise ValidationError(
                _("This file is larger than %(size)s, the most this site takes.") % {"size": filesizeformat(largest)},
                code="file.size",
            )
        try:
            check_document(file.name or "", file.file)
        except FileRefused as error:
            raise ValidationError(error.message, code=error.error_code) from None
        return file


def _or_damaged(check: Callable[[Any], None]) -> Callable[[Any], None]:
    """Wagtail's check of a picture's size, which answers a damaged one with the library's own error."""

    def checked(file: Any) -> None:
        try:
            check(file)
        except (OSError, SyntaxError, ValueError, TypeError, struct.error):
            raise ValidationError(damaged().message, code="file.damaged") from None

    return checked


def _replace(file: UploadedFile, data: bytes) -> None:
    """Put ``data`` into an uploaded file, in memory or in its temporary file."""
    if hasattr(file, "temporary_file_path"):
        file.file.seek(0)
        file.file.truncate()
        file.file.write(data)
        file.file.flush()
    else:
        file.file = io.BytesIO(data)
    file.size = len(data)
    file.seek(0)
