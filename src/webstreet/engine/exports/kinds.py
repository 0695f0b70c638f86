"""What an export holds, in the order in which it is read back."""

from __future__ import annotations

from taggit.models import Tag
from wagtail.contrib.redirects.models import Redirect
from wagtail.documents import get_document_model
from wagtail.images import get_image_model

from webstreet.engine import hooks
from webstreet.engine.announcements import FirstPublic
from webstreet.engine.exports import Kind, Rows

PAGES = "pages"
FILES = ("images", "documents")
"""Kinds whose rows have a file each."""


def before_pages() -> list[Kind]:
    """Kinds that pages refer to."""
    return [
        Kind("tags", Tag, "slug"),
        Kind("images", get_image_model(), "file"),
        Kind("documents", get_document_model(), "file"),
        *(kind for kind in _of_atoms() if not _refers_to_pages(kind)),
        Kind("first-public", FirstPublic, "uuid"),
    ]


def after_pages() -> list[Kind]:
    return [
        *(kind for kind in _of_atoms() if _refers_to_pages(kind)),
        Kind("redirects", Redirect, "old_path", leave=("site",)),
    ]


def rows() -> list[Rows]:
    return [entry for found in hooks.call("export_rows") for entry in found]


def _of_atoms() -> list[Kind]:
    return [kind for found in hooks.call("export_kinds") for kind in found]


def _refers_to_pages(kind: Kind) -> bool:
    from wagtail.models import Page

    return any(
        field.is_relation and isinstance(field.related_model, type) and issubclass(field.related_model, Page)
        for field in kind.model._meta.concrete_fields
    )
