"""Which reader may have which uploaded file: whoever may see a page or a snippet in which it is used.

The collection of a file is asked before (`engine.media`). Here the pages and snippets that use it decide; Wagtail's reference
index names them. A file that nothing uses yet belongs to a draft, so only editors get it.
"""

from __future__ import annotations

from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import Http404, HttpRequest
from wagtail.models import Page, ReferenceIndex

from webstreet.atoms.articles.models import Article
from webstreet.atoms.articles.visibility import Viewer
from webstreet.engine.media import owner_of


def visible(request: HttpRequest | None, path: str) -> bool:
    """Whether this reader may have the file at ``path`` below MEDIA_URL. A file that is neither image nor document is an editor's."""
    viewer = Viewer.of(request)
    if viewer is Viewer.EDITOR:
        return True
    owner = owner_of(path)
    return owner is not None and used_visibly(owner, viewer)


def used_visibly(target: Model, viewer: Viewer) -> bool:
    """Whether ``viewer`` may see something that uses ``target`` (an image or a document)."""
    if viewer is Viewer.EDITOR:
        return True
    content_type = ContentType.objects.get_for_model(target, for_concrete_model=False)
    users = ReferenceIndex.objects.filter(to_content_type=content_type, to_object_id=str(target.pk))
    pages: set[str] = set()
    page_type = ContentType.objects.get_for_model(Page)
    for base, key in users.values_list("base_content_type", "object_id").distinct():
        if base != page_type.pk:
            return True  # a snippet, such as an author, shows it on public pages
        pages.add(key)
    if not pages:
        return False
    if Article.objects.visible_to(viewer).filter(pk__in=pages).exists():
        return True
    return Page.objects.live().public().not_exact_type(Article).filter(pk__in=pages).exists()


def refuse_document(document: Model, request: HttpRequest) -> None:
    """Wagtail's hook before a document is served by its own address."""
    if not used_visibly(document, Viewer.of(request)):
        raise Http404
