"""Believes proxies only when we know them, and turns a dead database into a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware
from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header

from webstreet.contract.proxies import within
from webstreet.engine import site as this_site
from webstreet.engine.errors import trouble

GetResponse = Callable[[HttpRequest], HttpResponse]
_FORWARDED = (
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_FORWARDED",
)


class TrustedProxies:
    """Removes forwarding headers that do not come from a trusted proxy, before anything looks at them.

    ``request.forwarded_by_stranger`` remembers that there were some: such a request is not its peer's own.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not within(request.META.get("REMOTE_ADDR", ""), settings.WEBSTREET_TRUSTED_PROXIES):
            found = [request.META.pop(name, None) for name in _FORWARDED]
            request.forwarded_by_stranger = any(found)  # type: ignore[attr-defined]
        return self.get_response(request)


class Language(LocaleMiddleware):
    """A page for readers is in the language of its address. What editors see has no language in its address, so their browser says which;
    an editor's own choice, in the account's settings, comes before that. A document's address has none either: of the site's languages
    the reader's browser chooses that of the page which asks for its password.
    """

    WITHOUT = ("/admin/", "/-/")
    DOCUMENTS = "/documents/"

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        if request.path.startswith(self.WITHOUT):
            self._of_browser(request, dict(settings.WAGTAILADMIN_PERMITTED_LANGUAGES))
        elif request.path.startswith(self.DOCUMENTS):
            self._of_browser(request, dict(settings.LANGUAGES))

    def _of_browser(self, request: HttpRequest, offered: Mapping[str, str]) -> None:
        wanted = parse_accept_lang_header(request.headers.get("Accept-Language", "").lower())
        codes = (code for tag, _ in wanted for code in (tag, tag.partition("-")[0]))
        translation.activate(next((code for code in codes if code in offered), settings.LANGUAGE_CODE))
        request.LANGUAGE_CODE = translation.get_language()


class KnownSite:
    """Saves every page Wagtail's question which site was asked for."""

    NOT_FOR = ("/admin/", "/theme/", "/-/")
    """Not for editors in the admin, who may be changing it; nor for what must come when the database does not: a page that says so needs
    its stylesheet."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> None:
        if not request.path.startswith(self.NOT_FOR):
            this_site.found_for(request)


class StoreDownPage:
    """503 with Retry-After when a database does not answer, an atom's or the site's, or has no room left."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return trouble(request, exception)
