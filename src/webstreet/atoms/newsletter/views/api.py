"""The JSON API: ``POST /api/newsletter/subscriptions``, behind the same guard as the form. Errors are problem+json (RFC 9457)."""

from __future__ import annotations

import json
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

from webstreet.atoms.newsletter import actions, guard, tasks
from webstreet.engine.errors import problem
from webstreet.engine.network import client_ip
from webstreet.kernel.errors import BadInput, WebstreetError

FIELDS = {"email", "token", "name"}


class BodyInvalid(BadInput):
    """The body is not the JSON object that is expected."""

    code = "body.invalid"


def _problem(error: WebstreetError, status: int | None = None) -> JsonResponse:
    status = status or error.status
    response = problem(status, error.error_code, HTTPStatus(status).phrase, error.message)
    if status == 429:
        response["Retry-After"] = str(guard.HOUR)
    return response


def _read(request: HttpRequest) -> dict[str, str]:
    if len(request.body) > guard.BODY_MAX:
        raise BodyInvalid("The body is longer than 16 kB.", code="body.too_long")
    try:
        data = json.loads(request.body)
    except (ValueError, RecursionError):
        raise BodyInvalid("The body is not JSON.") from None
    if not isinstance(data, dict) or not all(isinstance(v, str) for v in data.values()) or set(data) - FIELDS:
        raise BodyInvalid(
            'Send an object of strings: {"email": "...", "token": "...", "name": "..."}; name may be left out.'
        )
    return data


@never_cache
@require_GET
def form_token(request: HttpRequest) -> HttpResponse:
    """A token for sign-ups from a page or program of one's own; good for days and for many."""
    return JsonResponse(
        {"token": guard.form_token(), "valid_days": guard.FORM_TOKEN_DAYS, "consent": actions.consent_text()[1]}
    )


@csrf_exempt
@never_cache
def subscriptions(request: HttpRequest) -> HttpResponse:
    """202 with the same body whoever the address belongs to."""
    if request.method != "POST":
        response = _problem(BodyInvalid("Only POST is answered here.", code="method.not_allowed"), 405)
        response["Allow"] = "POST"
        return response
    try:
        data = _read(request)
        wanted = guard.Request(data.get("email", ""), data.get("token", ""), client_ip(request), data.get("name", ""))
        admitted = guard.admit(wanted)
    except WebstreetError as error:
        return _problem(error, 413 if error.error_code == "body.too_long" else None)
    tasks.accept(admitted, source="api")
    return JsonResponse({"status": "confirmation_sent_if_needed"}, status=202)
