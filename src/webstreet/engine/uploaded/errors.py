"""Why an uploaded file is not taken."""

from __future__ import annotations

from webstreet.kernel.errors import BadInput


class FileRefused(BadInput):
    """The file is not what its name says, or could do harm. The message is for whoever uploads it, in their language."""

    code = "file.refused"
