"""What an export holds of articles besides their pages."""

from __future__ import annotations

from webstreet.atoms.articles.models import Author, Removed
from webstreet.engine import hooks
from webstreet.engine.exports import Kind


@hooks.register("export_kinds")
def export_kinds() -> list[Kind]:
    return [Kind("authors", Author, "slug"), Kind("removed-articles", Removed, "slug", unique=("parent_key", "slug"))]
