"""Pages for what went wrong: 400, 403, 404, 410, 429, 500, 503. Their words are here; the theme's templates (``theme/<status>.html``, else
``theme/message.html``) show them, and a plain page does if those cannot be rendered.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import TemplateDoesNotExist, loader
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import get_language, gettext

from webstreet.engine.away import is_away, is_full
from webstreet.engine.backends.breaker import StoreDown

logger = logging.getLogger(__name__)
RETRY_AFTER_S = 15
RETRY_SITE_AFTER_S = 5


def message(request: HttpRequest, status: int, title: str, text: str, **more: Any) -> HttpResponse:
    """A page that says what happened and what to do. Never cached by anyone.

    Args:
        more: for the template; ``then`` is a second paragraph.
    """
    context = {"status": status, "title": title, "message": text, **more}
    body = ""
    for template in (f"theme/{status}.html", "theme/message.html"):
        try:
            body = loader.render_to_string(template, context, request)
        except TemplateDoesNotExist:
            continue
        except Exception:
            logger.exception("error_page.failed", extra={"template": template})
        break
    response = HttpResponse(body or _plain(title, text, more.get("then", "")), status=status)
    response["Cache-Control"] = "no-store"
    return response


def _plain(title: str, text: str, then: str) -> str:
    return format_html(
        '<!doctype html><html lang="{}"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        "<title>{}</title><main><h1>{}</h1><p>{}</p><p>{}</p></main></html>",
        get_language() or "en",
        title,
        title,
        text,
        then,
    )


def _home() -> dict[str, str]:
    """The way on: the home page in the reader's language."""
    return {"action_url": reverse("wagtail_serve", args=[""]), "action_label": gettext("Go to the home page")}


def is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def problem(status: int, code: str, title: str, detail: str = "") -> JsonResponse:
    """A problem document (RFC 9457) for the site's API."""
    body = {"type": "about:blank", "title": title, "status": status, "code": code, "detail": detail}
    return JsonResponse(body, status=status, content_type="application/problem+json")


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return too_large(request)
    if is_api(request):
        return problem(400, "request.invalid", "The request cannot be understood.")
    return message(
        request,
        400,
        gettext("Request not understood"),
        gettext("Your browser sent something this site cannot read."),
        **_home(),
    )


def too_large(request: HttpRequest) -> HttpResponse:
    """More was sent at once than this site reads."""
    title = gettext("Too much at once")
    text = gettext("What was sent is larger than this site takes. Nothing was kept. Send less, or smaller files.")
    if is_api(request):
        return problem(413, "request.too_large", title, text)
    return message(request, 413, title, text, **_home())


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if is_api(request):
        return problem(403, "access.denied", "You may not do this.")
    return message(
        request,
        403,
        gettext("Not allowed"),
        gettext("Your account does not have the right to see this page."),
        **_home(),
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return message(
        request,
        403,
        gettext("Form expired"),
        gettext("This form was open for too long. Go back, reload the page and send it again."),
        **_home(),
    )


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if is_api(request):
        return problem(404, "object.missing", "There is nothing at this address.")
    return message(
        request,
        404,
        gettext("There is no page at this address"),
        gettext("The address may be mistyped, or the page is not published."),
    )


def gone(request: HttpRequest) -> HttpResponse:
    """For atoms: content that existed and was withdrawn for good."""
    return message(
        request,
        410,
        gettext("This article was removed"),
        gettext("It was published here and has been taken down. It will not come back at this address."),
        **_home(),
    )


def trouble(request: HttpRequest, error: BaseException | None) -> HttpResponse | None:
    """503 if the error says that the site lacks something it stands on, and will be well again once it is back; else None."""
    if is_full(error):
        return out_of_room(request)
    if isinstance(error, StoreDown) and error.alias != "default":
        return store_down(request)
    return site_down(request) if is_away(error) else None


def server_error(request: HttpRequest) -> HttpResponse:
    # Django calls this inside its except block. An error of a middleware comes here without passing `process_exception`.
    known = trouble(request, sys.exc_info()[1])
    if known is not None:
        return known
    if is_api(request):
        return problem(500, "webstreet.error", "Something went wrong on our side.")
    return message(
        request,
        500,
        gettext("This page could not be made"),
        gettext("Something broke on our side, and it has been recorded. Nothing you entered caused it."),
        then=gettext("Reload the page in a minute, or go on from the home page."),
    )


def store_down(request: HttpRequest) -> HttpResponse:
    """An atom's own database is away."""
    title = gettext("Back in a moment")
    text = gettext("This part of the site is not available right now. The rest works as usual.")
    return _unavailable(request, "store.down", title, text, gettext("Reload the page in a minute."), RETRY_AFTER_S)


def site_down(request: HttpRequest) -> HttpResponse:
    """The site's own database is away."""
    title = gettext("Back in a moment")
    text = gettext("This site cannot reach its content right now. Nothing is lost.")
    return _unavailable(request, "site.down", title, text, gettext("Reload the page in a minute."), RETRY_SITE_AFTER_S)


def out_of_room(request: HttpRequest) -> HttpResponse:
    """Nothing can be written: the disk or the database is full."""
    title = gettext("Nothing can be saved right now")
    text = gettext("The site has no room left, so what you sent was not saved. Everything saved before is safe.")
    then = gettext("Whoever runs the site has to make room. Keep what you wrote and try again later.")
    return _unavailable(request, "site.full", title, text, then, RETRY_AFTER_S)


def _unavailable(request: HttpRequest, code: str, title: str, text: str, then: str, retry_after_s: int) -> HttpResponse:
    if is_api(request):
        response: HttpResponse = problem(503, code, title, text)
    else:
        response = message(request, 503, title, text, then=then)
    response["Retry-After"] = str(retry_after_s)
    return response


def too_many_guesses(request: HttpRequest, retry_after_s: int) -> HttpResponse:
    """Passwords were tried too often."""
    title = gettext("Too many attempts")
    text = gettext(
        "The password was wrong too often. Try again in a quarter of an hour, or ask whoever runs this site for a one-time link."
    )
    return _too_many(request, "login.too_many", title, text, retry_after_s)


def too_many_shared(request: HttpRequest, retry_after_s: int) -> HttpResponse:
    """A password that readers share was tried too often: no link would help them."""
    title = gettext("Too many attempts")
    text = gettext(
        "The password was wrong too often. Try again in a quarter of an hour, and ask whoever gave you this address for the password."
    )
    return _too_many(request, "login.too_many", title, text, retry_after_s)


def too_many_requests(request: HttpRequest, retry_after_s: int) -> HttpResponse:
    """More was asked from one network than people ask."""
    title = gettext("Too much at once")
    text = gettext("Very many requests came from your network within a minute. Wait a minute, then reload the page.")
    return _too_many(request, "request.too_many", title, text, retry_after_s)


def _too_many(request: HttpRequest, code: str, title: str, text: str, retry_after_s: int) -> HttpResponse:
    if is_api(request):
        response: HttpResponse = problem(429, code, title, text)
    else:
        response = message(request, 429, title, text, **_home())
    response["Retry-After"] = str(retry_after_s)
    return response
