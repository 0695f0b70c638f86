"""Pages: sign up, confirm, unsubscribe, undo.

None of them uses Django's CSRF cookie: sign-up carries a signed form token, the others an unguessable one in their address.
Links in mails are opened by scanners, so a GET only shows a button.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from webstreet.atoms.newsletter import actions, guard, mails, tasks
from webstreet.atoms.newsletter.models.base import alias
from webstreet.atoms.newsletter.models.token import Token
from webstreet.engine import client_ip
from webstreet.engine.tasks import enqueue_on_commit
from webstreet.kernel.errors import BadInput, TooMany

View = Callable[..., HttpResponse]


def _public(view: View) -> View:
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


def _network(request: HttpRequest) -> str:
    return guard.short_network(client_ip(request))


def _form(*, email: str = "", error: str = "") -> dict[str, object]:
    _version, text = actions.consent_text()
    return {"token": guard.form_token(), "consent": text, "where": "page", "email": email, "error": error}


def _message(request: HttpRequest, title: str, *text: str, status: int = 200, **more: object) -> HttpResponse:
    words = {"title": title, "text": text, "message": "", **more}
    return render(request, "newsletter/message.html", words, status=status)


@_public
def subscribe(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return render(request, "newsletter/subscribe.html", _form())
    if len(request.body) > guard.BODY_MAX:
        return render(
            request, "newsletter/subscribe.html", _form(error=_("That is too long for an address.")), status=413
        )
    email = request.POST.get("email", "")
    wanted = guard.Request(
        email=email,
        token=request.POST.get("token", ""),
        ip=client_ip(request),
        trap=request.POST.get("website", ""),
    )
    try:
        admitted = guard.admit(wanted)
    except guard.FormTokenInvalid:
        words = _form(email=email[:254], error=_("The form had expired. Send it again: it is fresh now."))
        return render(request, "newsletter/subscribe.html", words, status=400)
    except BadInput:
        words = _form(
            email=email[:254],
            error=_("This is not an address that mail can be sent to. It looks like name@example.org."),
        )
        return render(request, "newsletter/subscribe.html", words, status=422)
    except TooMany:
        response = _message(
            request,
            _("Sign-up is busy"),
            _("Too many sign-ups came in during the last hour. Try again in an hour."),
            status=429,
            code=guard.SignUpClosed.code,
        )
        response["Retry-After"] = str(guard.HOUR)
        return response
    tasks.accept(admitted, source="form")
    return _message(
        request,
        _("Check your mailbox"),
        _("You will receive a message with a link. Open it to confirm your subscription."),
        ngettext(
            "The link works for %(hours)d hour.",
            "The link works for %(hours)d hours.",
            mails.parameters().confirmation_hours,
        )
        % {"hours": mails.parameters().confirmation_hours},
        _(
            "Nothing there after some minutes? Look among unwanted mail. At most one such message a day goes to one address."
        ),
        action_url="/",
        action_label=_("Go to the home page"),
    )


@_public
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    if request.method != "POST":
        found = Token.find(Token.Purpose.CONFIRM, token)
        if found is None:
            return _dead_link(request, expired=False)
        if found.used_at is not None and found.subscriber.is_active:
            return _already_confirmed(request)
        if not found.is_open:
            return _dead_link(request, expired=True)
        return _message(
            request,
            _("Confirm your subscription"),
            _("One step is left: confirm that you want to receive new articles by mail."),
            button=_("Confirm subscription"),
        )
    try:
        _subscriber, notice = actions.confirm(token, network=_network(request))
    except actions.TokenExpired:
        return _dead_link(request, expired=True)
    except actions.TokenInvalid:
        return _dead_link(request, expired=False)
    if notice is None:
        return _already_confirmed(request)
    enqueue_on_commit(tasks.send_notice, notice.pk, using=alias())
    return _message(
        request,
        _("You are subscribed"),
        _(
            "The next article will arrive in your mailbox. Every mail has a link that ends the subscription with one click."
        ),
        action_url="/",
        action_label=_("Go to the home page"),
    )


def _already_confirmed(request: HttpRequest) -> HttpResponse:
    return _message(
        request,
        _("Already confirmed"),
        _("Your subscription is confirmed. There is nothing left to do."),
        action_url="/",
        action_label=_("Go to the home page"),
    )


def _dead_link(request: HttpRequest, *, expired: bool) -> HttpResponse:
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
    return _message(request, title, text, status=410 if expired else 404, code=code, sign_up=_form())


@_public
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """POST acts, with RFC 8058's body or our button's; no cookie, no redirect."""
    subscriber = actions.find_by_unsubscribe_token(token)
    if subscriber is None:
        return _message(
            request,
            _("This link does not work"),
            _("It may have been cut off by your mail program. Copy the whole address from the end of the mail."),
            _("Nobody is subscribed through this address any more if the subscription was removed."),
            status=404,
            code="token.invalid",
        )
    if request.method == "POST":
        undo = actions.unsubscribe(subscriber, source="link", network=_network(request))
        return _message(
            request,
            _("You are unsubscribed"),
            _("No further article will be sent to you. A mail that left just now may still arrive."),
            undo=undo,
        )
    if subscriber.status == subscriber.Status.UNSUBSCRIBED:
        return _message(
            request,
            _("You are unsubscribed"),
            _("Nothing is sent to you. Sign up again whenever you like."),
            sign_up=_form(),
        )
    return _message(
        request,
        _("Unsubscribe"),
        _("Stop receiving articles by mail. It takes effect at once."),
        button=_("Unsubscribe"),
    )


@_public
def undo(request: HttpRequest, token: str) -> HttpResponse:
    if request.method != "POST":
        found = Token.find(Token.Purpose.UNDO, token)
        if found is None or not (found.is_open or found.subscriber.is_active):
            return _dead_link(request, expired=found is not None)
        return _message(
            request, _("Stay subscribed"), _("Go on receiving new articles by mail."), button=_("Stay subscribed")
        )
    try:
        actions.undo_unsubscribe(token, network=_network(request))
    except actions.TokenExpired:
        return _dead_link(request, expired=True)
    except actions.TokenInvalid:
        return _dead_link(request, expired=False)
    return _message(
        request,
        _("You are still subscribed"),
        _("Nothing has changed: the next article will arrive in your mailbox."),
        action_url="/",
        action_label=_("Go to the home page"),
    )
