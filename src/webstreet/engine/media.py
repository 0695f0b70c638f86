"""Uploaded files, given only to readers who may see where they are used."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe
from django.views.static import serve as serve_file
from wagtail.documents import get_document_model

from webstreet.engine import hooks
from webstreet.engine.headers import OF_FILES, OF_PDF

PUBLIC_AGE_S = 300


def _restricted(path: str) -> bool:
    """Whether it is a document of a collection that is not for everybody: its own address asks who may have it, this one cannot."""
    document = get_document_model().objects.filter(file=path).select_related("collection").first()
    return document is not None and document.collection.get_view_restrictions().exists()


@require_safe
def serve(request: HttpRequest, path: str) -> HttpResponseBase:
    """The file at ``path``, or 404 when an atom says that this reader may not have it and none shows it to this reader.

    Shared caches may keep the answer for `PUBLIC_AGE_S`, but only when the request had no session: what a signed-in reader may have
    is not for others.
    """
    if _restricted(path):
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
