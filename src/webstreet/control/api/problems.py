"""Errors as problem documents (RFC 9457)."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, AuthorizationError, HttpError, ValidationError

from webstreet.kernel.errors import DocumentInvalid, Problem, WebstreetError

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
CODES = {
    400: ("request.malformed", "The request cannot be read. Check that its body is JSON."),
    401: ("access.unauthenticated", "Say who you are: send the header Authorization: Bearer KEY."),
    403: ("access.denied", "This key may not do that."),
    404: ("route.missing", "There is nothing at this address. /api/v1/docs lists every address."),
    405: ("route.method", "This address does not take that method. /api/v1/docs lists what it takes."),
    413: ("request.too_large", "The body of this request is too large."),
    429: ("limit.reached", "Too many requests. Wait, then try again."),
}


def problem(
    status: int, code: str, detail: str, *, problems: list[dict[str, str]] | None = None, retry_after_s: int = 0
) -> HttpResponse:
    body: dict[str, Any] = {
        "type": f"urn:webstreet:error:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "problems": problems or [],
    }
    response = HttpResponse(json.dumps(body, ensure_ascii=False) + "\n", content_type=MEDIA_TYPE, status=status)
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="webstreet"'
    if retry_after_s:
        response["Retry-After"] = str(retry_after_s)
    return response


def is_problem(response: HttpResponse) -> bool:
    return response.get("Content-Type", "").startswith(MEDIA_TYPE)


def problem_for_status(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """A problem document in the place of an error page that Django or ninja made."""
    status = response.status_code
    code, detail = CODES.get(
        status, ("webstreet.error", "Something went wrong here. The log of the control plane says what.")
    )
    found = problem(status, code, detail)
    for header in ("Allow", "Retry-After"):
        if header in response:
            found[header] = response[header]
    return found


def from_error(error: WebstreetError) -> HttpResponse:
    listed = [shown(p) for p in error.problems] if isinstance(error, DocumentInvalid) else []
    if error.status >= 500:
        log.error("%s %s", error.error_code, error.detail or error.message)
    return problem(
        error.status,
        error.error_code,
        error.message,
        problems=listed,
        retry_after_s=error.retry_after_s,
    )


def shown(found: Problem) -> dict[str, str]:
    return {"path": found.path, "rule": found.rule, "suggestion": found.suggestion}


def _validation(error: ValidationError) -> HttpResponse:
    listed = []
    for found in error.errors:
        # ["body", "data", "client"]: where it was read from and the name of our argument say nothing to the caller.
        where = [str(part) for part in found.get("loc", ())]
        path = ".".join(where[2:] if where[:1] == ["body"] and len(where) > 2 else where[1:]) or "(top)"
        message = str(found.get("msg", "is not valid")).removeprefix("Value error, ")
        listed.append({"path": path, "rule": message[:1].lower() + message[1:] + ".", "suggestion": ""})
    said = "; ".join(f"{p['path']}: {p['rule']}" for p in listed)
    return problem(422, "request.malformed", f"The request is not valid: {said}", problems=listed)


def _unexpected(request: HttpRequest, error: Exception) -> HttpResponse:
    log.exception("%s %s failed", request.method, request.path)
    return problem(500, "webstreet.error", "Something went wrong here. The log of the control plane says what.")


def install(api: NinjaAPI) -> None:
    """Make every error of ``api`` a problem document."""

    @api.exception_handler(WebstreetError)
    def on_ours(request: HttpRequest, error: WebstreetError) -> HttpResponse:
        return from_error(error)

    @api.exception_handler(ValidationError)
    def on_validation(request: HttpRequest, error: ValidationError) -> HttpResponse:
        return _validation(error)

    @api.exception_handler(AuthenticationError)
    def on_unauthenticated(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
        return problem(401, *CODES[401])

    @api.exception_handler(AuthorizationError)
    def on_denied(request: HttpRequest, error: AuthorizationError) -> HttpResponse:
        return problem(403, *CODES[403])

    @api.exception_handler(HttpError)
    def on_http(request: HttpRequest, error: HttpError) -> HttpResponse:
        code, detail = CODES.get(error.status_code, ("request.malformed", str(error)))
        return problem(error.status_code, code, detail)

    @api.exception_handler(Exception)
    def on_anything(request: HttpRequest, error: Exception) -> HttpResponse:
        return _unexpected(request, error)
