"""Uploaded files, given only to readers who may see where they are used, and for whom their collection is.

Wagtail asks about the collection of a document, and about that of an image never: here an image is kept like a document.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe
from django.views.static import serve as serve_file
from wagtail.documents import get_document_model
from wagtail.images import get_image_model
from wagtail.models import CollectionViewRestriction

from webstreet.engine import hooks
from webstreet.engine.headers import OF_FILES, OF_PDF
from webstreet.engine.pagecache.memo import remembered

PUBLIC_AGE_S = 300


def owner_of(path: str) -> Any:
    """The image or document whose file (or rendition) lies at ``path``, or None."""
    images = get_image_model()
    rendition = images.get_rendition_model().objects.filter(file=path).select_related("image").first()
    if rendition is not None:
        return rendition.image
    return images.objects.filter(file=path).first() or get_document_model().objects.filter(file=path).first()


def _refused(request: HttpRequest, path: str) -> bool:
    """Whether it lies in a collection that is not for everybody, and not for this reader.

    A document has an address of its own, which asks who may have it and shows where to sign in; this one gives it to nobody.
    """
    if not remembered("collection restrictions", CollectionViewRestriction.objects.exists):
        return False
    owner = owner_of(path)
    restrictions = [] if owner is None else list(owner.collection.get_view_restrictions())
    if not restrictions or isinstance(owner, get_document_model()):
        return bool(restrictions)
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return True
    if request.user.is_active and request.user.has_perm("wagtailadmin.access_admin"):
        return False
    return not all(restriction.accept_request(request) for restriction in restrictions)


@require_safe
def serve(request: HttpRequest, path: str) -> HttpResponseBase:
    """The file at ``path``, or 404 when its collection says that this reader may not have it, or an atom says so and none shows it.

    Shared caches may keep the answer for `PUBLIC_AGE_S`, but only when the request had no session: what a signed-in reader may have
    is not for others.
    """
    if _refused(request, path):
        raise Http404
    answers = hooks.call("file_visible", request, path)
    if False in answers and True not in answers:
        raise Http404
    response = serve_file(request, path, document_root=settings.MEDIA_ROOT)
    signed_in = settings.SESSION_COOKIE_NAME in request.COOKIES
    response["Cache-Control"] = "private, no-store" if signed_in else f"public, max-age={PUBLIC_AGE_S}"
    response["X-Content-Type-Options"] = "nosniff"
    kind = response.get("Content-Type", "")
    if not kind.startswith(("image/", "audio/", "video/", "application/pdf")) or kind.startswith("image/svg"):
        response["Content-Disposition"] = "attachment"
    response["Content-Security-Policy"] = OF_PDF if kind == "application/pdf" else OF_FILES
    return response
