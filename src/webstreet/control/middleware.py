"""What every answer gets: security headers; problem documents for every error under /api/."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from webstreet.control.api.problems import is_problem, problem_for_status

Handler = Callable[[HttpRequest], HttpResponse]
API = "/api/"

# unfold's Alpine evaluates expressions, and its pages carry inline scripts and styles; nothing may come from elsewhere.
PAGES_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'self';"
    " form-action 'self'; frame-ancestors 'none'"
)
API_POLICY = "default-src 'none'; frame-ancestors 'none'"


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
        if not request.path_info.startswith("/static/"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response
