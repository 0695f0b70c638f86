"""Believes proxies only when we know them, forbids foreign scripts, and turns an atom's dead database into a page."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from webstreet.engine.backends.breaker import StoreDown
from webstreet.engine.errors import store_down
from webstreet.engine.network import within

GetResponse = Callable[[HttpRequest], HttpResponse]
_FORWARDED = (
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_FORWARDED",
)


class TrustedProxies:
    """Removes forwarding headers that do not come from a trusted proxy, before anything looks at them."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not within(request.META.get("REMOTE_ADDR", ""), settings.WEBSTREET_TRUSTED_PROXIES):
            for name in _FORWARDED:
                request.META.pop(name, None)
        return self.get_response(request)


class ContentSecurityPolicy:
    """A strict policy for readers' pages. Not for the admin and not for a signed-in editor's view of a page: Wagtail's
    editing bar has inline scripts.
    """

    POLICY = "; ".join(
        [
            "default-src 'self'",
            "img-src 'self' data:",
            "style-src 'self' 'unsafe-inline'",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'self'",
        ]
    )

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        workplace = request.path.startswith("/admin/") or settings.SESSION_COOKIE_NAME in request.COOKIES
        if not workplace and "Content-Security-Policy" not in response:
            response["Content-Security-Policy"] = self.POLICY
        return response


class StoreDownPage:
    """503 with Retry-After when the database of an atom does not answer; everything else of the site goes on."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return store_down(request) if isinstance(exception, StoreDown) else None
