"""What people upload: judged by what it is and not by its name, freed of what nobody meant to publish, refused whole when it is not
harmless.

`clean_image` and `check_document` are for whoever stores a file without one of Wagtail's forms, as imports do.
"""

from webstreet.engine.uploaded.documents import check_document
from webstreet.engine.uploaded.errors import FileRefused
from webstreet.engine.uploaded.images import clean_image

__all__ = ["FileRefused", "check_document", "clean_image"]
