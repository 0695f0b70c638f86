"""Which requests may be answered with a kept page, and which answers may be kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from webstreet.contract.proxies import within
from webstreet.engine import pagecache

PATH_MAX = 512
BODY_MAX = 2 * 1024 * 1024
NEVER_BELOW = ("/-/", "/admin/", "/api/", "/documents/", "/media/", "/static/")
COUNTED = "page"
"""The one parameter that makes another page; its value is a number."""
IGNORED = frozenset(
    {"fbclid", "gclid", "mc_cid", "mc_eid", "msclkid"}
    | {f"utm_{name}" for name in ("source", "medium", "campaign", "term", "content", "id")}
)
"""What others hang onto a link to recognise a reader: no page depends on it."""
_FORBIDDING = ("private", "no-store", "no-cache")
_VARIES = {"accept-encoding", "accept-language", "cookie"}
"""What an answer may vary by. The language of a page is in its path alone, and no cookie but the session's says anything to a page."""


class Policy:
    """Made once for a process from the settings."""

    def __init__(self) -> None:
        base = urlsplit(settings.WEBSTREET_BASE_URL).netloc
        self.hosts = frozenset({base, *settings.ALLOWED_HOSTS})
        self.personal = (f"{settings.SESSION_COOKIE_NAME}=", "messages=")
        self._trusted = _remembering(lambda peer: within(peer, settings.WEBSTREET_TRUSTED_PROXIES))

    def key_of(self, environ: dict[str, Any]) -> str | None:
        """The key under which the answer to this request is kept; None when it is not to come from the cache.

        A host is taken as it was written and must be known: a page may name the host it was asked for.
        """
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD") or "HTTP_AUTHORIZATION" in environ:
            return None
        path, host = environ.get("PATH_INFO", "/"), environ.get("HTTP_HOST", "")
        if host not in self.hosts or len(path) > PATH_MAX or path.startswith(NEVER_BELOW):
            return None
        cookies = environ.get("HTTP_COOKIE", "")
        if cookies and any(name in cookies for name in self.personal):
            return None
        query = environ.get("QUERY_STRING", "")
        if query:
            number = _page_number(query)
            if number is None:
                return None
            query = f"{COUNTED}={number}" if number else ""
        return f"{self._scheme(environ)}://{host}{path}?{query}"

    def _scheme(self, environ: dict[str, Any]) -> str:
        # Of several proxies the first one counts, as for Django.
        said = environ.get("HTTP_X_FORWARDED_PROTO", "").partition(",")[0].strip()
        secure = said == "https" and self._trusted(environ.get("REMOTE_ADDR", ""))
        return "https" if secure else str(environ.get("wsgi.url_scheme", "http"))


def _page_number(query: str) -> str | None:
    """The digits of ``page=…``, "" when there is none; None when anything else is asked for."""
    if len(query) > PATH_MAX:
        return None
    number = ""
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in IGNORED:
            continue
        if name != COUNTED or number or not (value.isascii() and value.isdigit() and len(value) < 5):
            return None
        number = value
    return number


def _remembering(ask: Callable[[str], bool]) -> Callable[[str], bool]:
    known: dict[str, bool] = {}

    def answer(peer: str) -> bool:
        if peer not in known:
            if len(known) > 1000:
                known.clear()
            known[peer] = ask(peer)
        return known[peer]

    return answer


def is_for_everybody(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Whether nothing in this answer depends on who asked. Everything that speaks against it is looked at; silence is not enough."""
    if response.status_code != 200 or response.streaming or not isinstance(response, HttpResponse):
        return False
    if response.cookies or response.has_header("Content-Encoding") or len(response.content) > BODY_MAX:
        return False
    control = response.get("Cache-Control", "").lower()
    if any(word in control for word in _FORBIDDING) or pagecache.is_never(request):
        return False
    if {name.strip().lower() for name in response.get("Vary", "").split(",") if name.strip()} - _VARIES:
        return False
    # Who only asks for the token has used it: it is in the page, and a cookie is set for it.
    if "CSRF_COOKIE" in request.META:
        return False
    session: Any = getattr(request, "session", None)
    return session is None or not (session.accessed or session.modified)
