"""What every request and answer gets: proxies that are believed or not; security headers; problem documents for every error under /api/."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port

from webstreet.control.api.problems import is_problem, problem_for_status
from webstreet.control.proxies import believe

Handler = Callable[[HttpRequest], HttpResponse]
API = "/api/"

# unfold's Alpine evaluates expressions, and its pages carry inline scripts and styles; nothing may come from elsewhere.
PAGES_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'self';"
    " form-action 'self'; frame-ancestors 'none'"
)
PERMISSIONS = ", ".join(
    f"{feature}=()"
    for feature in (
        "camera",
        "display-capture",
        "geolocation",
        "microphone",
        "midi",
        "payment",
        "usb",
        "browsing-topics",
    )
)
API_POLICY = "default-src 'none'; frame-ancestors 'none'"


class Proxies:
    """Comes first: what proxies say is judged before anybody reads it, and cookies that came over TLS go only over TLS."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    def __call__(self, request: HttpRequest) -> HttpResponse:
        believe(request.META, settings.TRUSTED_PROXIES)
        response = self._handler(request)
        # The loopback stays usable without TLS; a public name is never reached without it.
        if response.cookies and (request.is_secure() or _host(request) in settings.EXTRA_HOSTS):
            for cookie in response.cookies.values():
                cookie["secure"] = True
        return response


def _host(request: HttpRequest) -> str:
    return split_domain_port(request.META.get("HTTP_HOST", ""))[0]


class ApiProblems:
    """Turns whatever error answer an API address gave (404 of a route, 405, a bad host) into a problem document."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._handler(request)
        if request.path_info.startswith(API) and response.status_code >= 400 and not is_problem(response):
            return problem_for_status(request, response)
        return response


class SecurityHeaders:
    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._handler(request)
        html = response.get("Content-Type", "").startswith("text/html")
        response.headers.setdefault("Content-Security-Policy", PAGES_POLICY if html else API_POLICY)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if not request.path_info.startswith("/static/"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response
