"""``POST /api/newsletter/events``: what mail servers and providers tell. There only when EVENTS_SECRET is set."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from webstreet.atoms.newsletter import events_providers, events_webhook
from webstreet.contract.environment import EVENTS_PROVIDER, EVENTS_SECRET, read
from webstreet.engine.errors import page_not_found, problem
from webstreet.kernel.errors import WebstreetError
from webstreet.kernel.secret import Secret

HEADER = "Webstreet-Signature"


@csrf_exempt
@never_cache
def events(request: HttpRequest) -> HttpResponse:
    """200 with what became of the events; nothing is written before signature and size are right. Not there beside a provider, whose key
    EVENTS_SECRET is then: a public one, it may be.
    """
    secret = Secret(read(os.environ, EVENTS_SECRET))
    if not secret or read(os.environ, EVENTS_PROVIDER):
        return page_not_found(request)

    def take() -> dict[str, int]:
        events_webhook.check(request.headers.get(HEADER, ""), request.body, secret, time.time())
        return events_webhook.take(request.body)

    return _answer(request, take)


@csrf_exempt
@never_cache
def of_provider(request: HttpRequest, provider: str) -> HttpResponse:
    """The same, in a provider's own form. There only for the provider that is set."""
    secret = Secret(read(os.environ, EVENTS_SECRET))
    if not secret or provider != read(os.environ, EVENTS_PROVIDER):
        return page_not_found(request)
    if request.method == "HEAD":
        # Some look before they post.
        return HttpResponse()
    return _answer(request, lambda: events_providers.take(provider, request, secret))


def _answer(request: HttpRequest, take: Callable[[], dict[str, int]]) -> HttpResponse:
    if request.method != "POST":
        response = problem(405, "method.not_allowed", "Method Not Allowed", "Only POST is answered here.")
        response["Allow"] = "POST"
        return response
    length = request.META.get("CONTENT_LENGTH", "")
    if not length.isdigit() or int(length) > events_webhook.BODY_MAX:
        text = "The body has no length, or is longer than 1 MB: send fewer events."
        return problem(413, "body.too_long", "Too long", text)
    try:
        return JsonResponse(take())
    except WebstreetError as error:
        return problem(error.status, error.error_code, HTTPStatus(error.status).phrase, error.message)
