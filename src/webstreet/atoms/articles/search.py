"""Search over articles that gives the same answer on every database: all words, each matched at its beginning, titles first."""

from __future__ import annotations

from typing import Any

from django.db.models import Case, IntegerField, Q, Value, When

from webstreet.atoms.articles.folding import fold
from webstreet.atoms.articles.models import Article
from webstreet.atoms.articles.visibility import Viewer

WORDS_MAX = 12


def search(text: str, viewer: Viewer, language: str | None = None) -> Any:
    """Articles that ``viewer`` may see and that hold every word of ``text``; those with all words in the title first.

    A text without a word finds nothing.
    """
    words = fold(text).split()[:WORDS_MAX]
    if not words:
        return Article.objects.none()
    everywhere, in_title = Q(), Q()
    for word in words:
        everywhere &= Q(search_text__contains=f" {word}")
        in_title &= Q(search_title__contains=f" {word}")
    found = Article.objects.visible_to(viewer).filter(everywhere)
    if language:
        found = found.filter(locale__language_code=language)
    rank = Case(When(in_title, then=Value(0)), default=Value(1), output_field=IntegerField())
    return (
        found.annotate(rank=rank)
        .order_by("rank", "-published_at", "-pk")
        .select_related("cover", "locale")
        .prefetch_related("authors")
    )
