"""What the reader's pages have in common: never cached, no cookie, one message a page, one way past the guard."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from webstreet.atoms.newsletter import actions, guard
from webstreet.engine.network import client_ip
from webstreet.kernel.errors import BadInput
from webstreet.mail.address import ADDRESS_MAX

View = Callable[..., HttpResponse]


def public(view: View) -> View:
    """Never cached, no CSRF cookie, and the address (which has a token) is not told to the next page."""

    @csrf_exempt
    @never_cache
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def wrapped(request: HttpRequest, **kwargs: str) -> HttpResponse:
        response = view(request, **kwargs)
        response["Referrer-Policy"] = "no-referrer"
        return response

    return wrapped


def network(request: HttpRequest) -> str:
    return guard.short_network(client_ip(request))


def sign_up_form(*, email: str = "", error: str = "") -> dict[str, object]:
    _version, text = actions.consent_text()
    return {"token": guard.form_token(), "consent": text, "where": "page", "email": email, "error": error}


def not_an_address() -> str:
    return _("This is not an address that mail can be sent to. It looks like name@example.org.")


def admitted(request: HttpRequest, again: Callable[..., HttpResponse]) -> guard.Admitted | HttpResponse:
    """What a stranger's form says if it may go on; else the answer.

    Args:
        again: makes the page with the form, from ``email``, ``error`` and ``status``.

    Raises:
        SignUpClosed: more came than the limits allow; nothing is known of the address then.
    """
    if len(request.body) > guard.BODY_MAX:
        return again(error=_("That is too long for an address."), status=413)
    email = request.POST.get("email", "")
    wanted = guard.Request(
        email=email,
        token=request.POST.get("token", ""),
        ip=client_ip(request),
        trap=request.POST.get("website", ""),
    )
    try:
        return guard.admit(wanted)
    except guard.FormTokenInvalid:
        error = _("The form had expired. Send it again: it is fresh now.")
        return again(email=email[:ADDRESS_MAX], error=error, status=400)
    except BadInput:
        return again(email=email[:ADDRESS_MAX], error=not_an_address(), status=422)


def message(request: HttpRequest, title: str, *text: str, status: int = 200, **more: object) -> HttpResponse:
    words = {"title": title, "text": text, "message": "", **more}
    return render(request, "newsletter/message.html", words, status=status)


def home() -> dict[str, Any]:
    """The way on from a `message`: to the home page in the reader's language."""
    return {"action_url": reverse("wagtail_serve", args=[""]), "action_label": _("Go to the home page")}


def unsubscribed(request: HttpRequest, undo: str) -> HttpResponse:
    """``undo``: a token that brings the subscription back; empty when there was none."""
    words = _("No further article will be sent to you. A mail that left just now may still arrive.")
    return message(request, _("You are unsubscribed"), words, undo=undo)


def dead_link(request: HttpRequest, *, expired: bool) -> HttpResponse:
    if expired:
        title, text, code = (
            _("This link has expired"),
            _("Sign up again and you will receive a new one."),
            "token.expired",
        )
    else:
        title = _("This link does not work")
        text = _("It may have been cut off by your mail program. Copy the whole address, or sign up again.")
        code = "token.invalid"
    return message(request, title, text, status=410 if expired else 404, code=code, sign_up=sign_up_form())


def busy(request: HttpRequest) -> HttpResponse:
    """A page for `guard.SignUpClosed`."""
    response = message(
        request,
        _("Too many requests"),
        _("Too many came in during the last hour, so nothing was done. Try again in an hour."),
        status=429,
        code=guard.SignUpClosed.code,
        **home(),
    )
    response["Retry-After"] = str(guard.HOUR)
    return response


def of_test_mail(request: HttpRequest) -> HttpResponse:
    """Where the links of a test mail lead."""
    return message(
        request,
        _("A link of a test mail"),
        _(
            "In the mail that readers receive, this link opens a page for that reader alone. In a test mail it does nothing."
        ),
        **home(),
    )
