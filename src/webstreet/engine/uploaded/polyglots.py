"""Files that are two things at once: an image that is also an archive, a page or a document of another kind."""

from __future__ import annotations

import io
import re
import zipfile

from django.utils.translation import gettext as _

from webstreet.engine.uploaded.errors import FileRefused

# Long enough not to turn up by chance in the pixels of a large picture; the short ones are looked for only where readers of files look.
_ANYWHERE = re.compile(rb"<script[\s>/]|<!doctype\s|<iframe[\s>/]|javascript:", re.I)
_AT_THE_ENDS = re.compile(rb"<html|<body|<head|<svg|<\?php|<\?xml|#!/", re.I)
_END_BYTES = 4096
_PDF_WITHIN_BYTES = 1024


def refuse_markup(data: bytes) -> None:
    """Raises:
    FileRefused: a browser that guesses could take it for a page.
    """
    if _ANYWHERE.search(data) or _AT_THE_ENDS.search(data[:_END_BYTES]) or _AT_THE_ENDS.search(data[-_END_BYTES:]):
        raise FileRefused(
            _(
                "This file holds parts of a web page, which could act in the site’s name. Save it again with another program."
            ),
            code="file.markup",
        )


def refuse_second_nature(data: bytes) -> None:
    """Raises:
    FileRefused: it is also an archive or a PDF.
    """
    if zipfile.is_zipfile(io.BytesIO(data)) or b"%PDF-" in data[:_PDF_WITHIN_BYTES]:
        raise FileRefused(
            _("This picture is also a file of another kind. Save it again with an image program."), code="file.polyglot"
        )
