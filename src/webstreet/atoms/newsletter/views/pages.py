"""Pages: sign up, confirm, unsubscribe, undo.

None of them uses Django's CSRF cookie: sign-up carries a signed form token, the others an unguessable one in their address.
Links in mails are opened by scanners, so a GET only shows a button.
"""

from __future__ import annotations

from functools import partial

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webstreet.atoms.newsletter import actions, guard, letters, mails, tasks
from webstreet.atoms.newsletter.models.base import alias
from webstreet.atoms.newsletter.models.token import Token
from webstreet.atoms.newsletter.views.base import (
    admitted,
    dead_link,
    home,
    message,
    network,
    of_test_mail,
    public,
    sign_up_form,
    unsubscribed,
)
from webstreet.engine.tasks import enqueue_on_commit
from webstreet.kernel.errors import TooMany


@public
def subscribe(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _sign_up_page(request)
    try:
        asked = admitted(request, partial(_sign_up_page, request))
    except TooMany:
        response = message(
            request,
            _("Sign-up is busy"),
            _("Too many sign-ups came in during the last hour. Try again in an hour."),
            status=429,
            code=guard.SignUpClosed.code,
            **home(),
        )
        response["Retry-After"] = str(guard.HOUR)
        return response
    if isinstance(asked, HttpResponse):
        return asked
    tasks.accept(asked, source="form")
    return message(
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
        **home(),
    )


def _sign_up_page(request: HttpRequest, *, email: str = "", error: str = "", status: int = 200) -> HttpResponse:
    return render(request, "newsletter/subscribe.html", sign_up_form(email=email, error=error), status=status)


@public
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    if request.method != "POST":
        found = Token.find(Token.Purpose.CONFIRM, token)
        if found is None:
            return dead_link(request, expired=False)
        if found.used_at is not None and found.subscriber.is_active:
            return _already_confirmed(request)
        if not found.is_open:
            return dead_link(request, expired=True)
        return message(
            request,
            _("Confirm your subscription"),
            _("One step is left: confirm that you want to receive new articles by mail."),
            button=_("Confirm subscription"),
        )
    try:
        _subscriber, notice = actions.confirm(token, network=network(request))
    except actions.TokenExpired:
        return dead_link(request, expired=True)
    except actions.TokenInvalid:
        return dead_link(request, expired=False)
    if notice is None:
        return _already_confirmed(request)
    enqueue_on_commit(tasks.send_notice, notice.pk, using=alias())
    return message(
        request,
        _("You are subscribed"),
        _(
            "The next article will arrive in your mailbox. Every mail has a link that ends the subscription with one click."
        ),
        **home(),
    )


def _already_confirmed(request: HttpRequest) -> HttpResponse:
    return message(
        request,
        _("Already confirmed"),
        _("Your subscription is confirmed. There is nothing left to do."),
        **home(),
    )


@public
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """POST acts, with RFC 8058's body or our button's; no cookie, no redirect."""
    if token == letters.TEST_TOKEN:
        return of_test_mail(request)
    subscriber = actions.find_by_unsubscribe_token(token)
    if subscriber is None:
        return message(
            request,
            _("This link does not work"),
            _("It may have been cut off by your mail program. Copy the whole address from the end of the mail."),
            _("Nobody is subscribed through this address any more if the subscription was removed."),
            status=404,
            code="token.invalid",
            **home(),
        )
    if request.method == "POST":
        return unsubscribed(request, actions.unsubscribe(subscriber, source="link", network=network(request)))
    if subscriber.status == subscriber.Status.UNSUBSCRIBED:
        return message(
            request,
            _("You are unsubscribed"),
            _("Nothing is sent to you. Sign up again whenever you like."),
            sign_up=sign_up_form(),
        )
    return message(
        request,
        _("Unsubscribe"),
        _("Stop receiving articles by mail. It takes effect at once."),
        button=_("Unsubscribe"),
    )


@public
def undo(request: HttpRequest, token: str) -> HttpResponse:
    if request.method != "POST":
        found = Token.find(Token.Purpose.UNDO, token)
        if found is None or not (found.is_open or found.subscriber.is_active):
            return dead_link(request, expired=found is not None)
        return message(
            request, _("Stay subscribed"), _("Go on receiving new articles by mail."), button=_("Stay subscribed")
        )
    try:
        actions.undo_unsubscribe(token, network=network(request))
    except actions.TokenExpired:
        return dead_link(request, expired=True)
    except actions.TokenInvalid:
        return dead_link(request, expired=False)
    return message(
        request,
        _("You are still subscribed"),
        _("Nothing has changed: the next article will arrive in your mailbox."),
        **home(),
    )
