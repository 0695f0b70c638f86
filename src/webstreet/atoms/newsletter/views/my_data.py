"""What is kept about a person: asked for by anybody, mailed as a link to the address if it is known, shown and erased behind it."""

from __future__ import annotations

import json
from functools import partial

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from webstreet.atoms.newsletter import guard, letters, mails, personal_data, tasks
from webstreet.atoms.newsletter.models.notice import Notice
from webstreet.atoms.newsletter.models.subscriber import Subscriber
from webstreet.atoms.newsletter.models.token import Token
from webstreet.atoms.newsletter.views.base import admitted, busy, home, message, public
from webstreet.atoms.newsletter.views.preferences import LANGUAGE_NAMES
from webstreet.kernel.errors import TooMany


@public
def ask(request: HttpRequest) -> HttpResponse:
    """The same answer whoever the address belongs to."""
    if request.method != "POST":
        return _ask_page(request)
    try:
        asked = admitted(request, partial(_ask_page, request))
    except TooMany:
        return busy(request)
    if isinstance(asked, HttpResponse):
        return asked
    tasks.accept_data_request(asked)
    return message(
        request,
        _("Check your mailbox"),
        _("If anything is kept about this address, a message with a link is on its way to it."),
        _("The link works for %(hours)d hours. If nothing is kept, nothing is sent.") % {"hours": letters.DATA_HOURS},
        **home(),
    )


def _ask_page(request: HttpRequest, *, email: str = "", error: str = "", status: int = 200) -> HttpResponse:
    words = {"token": guard.form_token(), "email": email, "error": error}
    return render(request, "newsletter/my_data_ask.html", words, status=status)


@public
def my_data(request: HttpRequest, token: str) -> HttpResponse:
    """A GET shows buttons and no data: scanners open links too. POST says by its button what is meant: show, json, erase, erased."""
    subscriber = personal_data.find(token)
    if subscriber is None:
        expired = Token.find(Token.Purpose.DATA, token) is not None
        return message(
            request,
            _("This link has expired") if expired else _("This link does not work"),
            _("A link to your data works for a day, and not after your data were erased. Ask for a new one."),
            status=410 if expired else 404,
            code="token.expired" if expired else "token.invalid",
            action_url=mails.url("my_data_ask"),
            action_label=_("Ask for a new link"),
        )
    with translation.override(mails.language_of(subscriber.language)):
        action = request.POST.get("action", "") if request.method == "POST" else ""
        if action == "json":
            return _download(subscriber)
        if action == "erased":
            return _erase(request, subscriber)
        words = {"subscriber": subscriber, "ask": action == "erase", "data": None}
        if action == "show":
            words["data"] = _readable(subscriber)
        return render(request, "newsletter/my_data.html", words)


def _download(subscriber: Subscriber) -> HttpResponse:
    body = json.dumps(personal_data.everything_about(subscriber), ensure_ascii=False, indent=2)
    response = HttpResponse(body, content_type="application/json; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="my-data-{timezone.now():%Y-%m-%d}.json"'
    return response


def _erase(request: HttpRequest, subscriber: Subscriber) -> HttpResponse:
    personal_data.erase(subscriber, by=None)
    return message(
        request,
        _("Your data are erased"),
        _("Nothing will be sent to you any more. No message confirms this: your address is no longer known here."),
        _(
            "A fingerprint of the address remains, from which it cannot be read; it keeps others from adding the address again."
        ),
        **home(),
    )


def _readable(subscriber: Subscriber) -> dict[str, object]:
    """`personal_data.everything_about`, with words for what is kept as codes. The download has every field."""
    data = personal_data.everything_about(subscriber)
    return {
        **data,
        "status": subscriber.get_status_display(),
        "language": LANGUAGE_NAMES.get(subscriber.language, subscriber.language),
        "consents": subscriber.consents.order_by("id"),
        "events": subscriber.events.select_related("issue").defer("issue__html", "issue__text").order_by("id"),
        "deliveries": subscriber.deliveries.select_related("issue").defer("issue__html", "issue__text").order_by("id"),
        "tests": personal_data.tests_to(subscriber).select_related("issue").defer("issue__html", "issue__text"),
        "mails": [(_MAILS[notice.kind](), notice) for notice in subscriber.notices.order_by("id")],
    }


_MAILS = {
    Notice.Kind.CONFIRM: lambda: _("Confirmation of your subscription"),
    Notice.Kind.WELCOME: lambda: _("Welcome"),
    Notice.Kind.ADDRESS: lambda: _("Confirmation of a new address"),
    Notice.Kind.MOVED: lambda: _("Notice of a changed address"),
    Notice.Kind.DATA: lambda: _("Link to your data"),
}
