"""The stylesheet and the icon. Pages for errors are made in `webstreet.engine.errors`, from this theme's templates."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.html import format_html
from django.views.decorators.http import require_safe

from webstreet.engine import site as this_site
from webstreet.engine.theme import accents
from webstreet.engine.theme import stylesheet as sheet
from webstreet.engine.theme.colour import tokens

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="{}"/>'
    '<text x="16" y="23" text-anchor="middle" font-family="Georgia, serif" font-weight="700" font-size="20" fill="{}">{}</text></svg>'
)


@require_safe
def stylesheet(request: HttpRequest, digest: str) -> HttpResponse:
    """The site's stylesheet. Asked for by another digest (a page made before an update) it is the present one, and not kept for long."""
    found = sheet.build(accents.of_site())
    compressed = "gzip" in request.headers.get("Accept-Encoding", "")
    response = HttpResponse(found.compressed if compressed else found.text, content_type="text/css; charset=utf-8")
    if compressed:
        response["Content-Encoding"] = "gzip"
    response["Cache-Control"] = (
        "public, max-age=31536000, immutable" if digest == found.digest else "public, max-age=60"
    )
    patch_vary_headers(response, ["Accept-Encoding"])
    return response


@require_safe
def icon(request: HttpRequest, digest: str) -> HttpResponse:
    """The site's sign in tabs and bookmarks: its initial on its accent."""
    accent = accents.of_site()
    ground, ink = (accent.light, accent.on_light) if accent else (tokens()["accent"][0], tokens()["accent-ink"][0])
    initial = next((c for c in this_site.current().title if c.isalnum()), "·").upper()
    picture = format_html(ICON, ground, ink, initial)
    response = HttpResponse(picture, content_type="image/svg+xml")
    response["Cache-Control"] = "public, max-age=86400"
    return response
