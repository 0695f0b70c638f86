"""Old addresses lead to where their page is now. Wagtail notes them when an editor changes a slug or moves a page, and points at the
page itself, so that one step is always enough.

Not Wagtail's middleware as it is: that one tells everybody the new address of a page which only some may read, and may send a browser
round in a circle.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect, HttpResponseRedirect
from django.utils.cache import patch_vary_headers
from wagtail.contrib.redirects.middleware import RedirectMiddleware, get_redirect
from wagtail.contrib.redirects.models import Redirect

from webstreet.engine import site as this_site

MAX_AGE_S = 300
"""A browser may keep a permanent redirect for ever; an editor may take the old address back tomorrow."""


class Redirects(RedirectMiddleware):  # type: ignore[misc]
    """301 (or 302, if an editor asked for it) instead of 404 at an old address, if this reader may have the page."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if response.status_code != 404 or request.method not in ("GET", "HEAD"):
            return response
        found = _noted(request, request.get_full_path())
        if found is None or _goes_round(request, found) or not _may_have(request, found):
            return response
        kind = HttpResponsePermanentRedirect if found.is_permanent else HttpResponseRedirect
        answer: HttpResponse = kind(found.link)
        signed_in = settings.SESSION_COOKIE_NAME in request.COOKIES
        answer["Cache-Control"] = "private, no-store" if signed_in else f"public, max-age={MAX_AGE_S}"
        patch_vary_headers(answer, ["Cookie"])
        return answer


def may_be_read(page: Any, request: HttpRequest) -> bool:
    """Whether this reader may know of ``page``: it says so itself (``may_be_read(request)``), or everybody may."""
    own = getattr(page, "may_be_read", None)
    if own is not None:
        return bool(own(request))
    return bool(page.live and not page.get_view_restrictions().exists())


def _noted(request: HttpRequest, path: str) -> Redirect | None:
    """With its query first, then without."""
    whole = Redirect.normalise_path(path, decode_unicode=False)
    bare = urlsplit(whole).path
    found = get_redirect(request, whole) or (get_redirect(request, bare) if bare != whole else None)
    return found if found is not None and found.link else None


def _may_have(request: HttpRequest, found: Redirect) -> bool:
    return found.redirect_page is None or may_be_read(found.redirect_page.specific, request)


def _goes_round(request: HttpRequest, found: Redirect) -> bool:
    """Whether following the notes comes back to where it was."""
    seen = {_place(request.path)}
    step: Redirect | None = found
    while step is not None:
        there = urlsplit(str(step.link))
        if there.netloc and there.netloc not in (request.get_host(), urlsplit(this_site.base_url()).netloc):
            return False
        if _place(there.path) in seen:
            return True
        seen.add(_place(there.path))
        # A page that is live answers by itself, whatever is noted for its address.
        step = None if step.redirect_page is not None else _noted(request, there.path)
    return False


def _place(path: str) -> str:
    return Redirect.normalise_path(path) or "/"
