"""The preference page, from the link in every mail, and the confirmation of a new address. A GET changes nothing."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from webstreet.atoms.newsletter import actions, guard, letters, mails, tasks
from webstreet.atoms.newsletter import preferences as choices
from webstreet.atoms.newsletter.models.base import alias
from webstreet.atoms.newsletter.models.lists import MailingList
from webstreet.atoms.newsletter.models.subscriber import Subscriber
from webstreet.atoms.newsletter.models.token import Token
from webstreet.atoms.newsletter.views.base import (
    busy,
    dead_link,
    home,
    message,
    network,
    not_an_address,
    of_test_mail,
    public,
    sign_up_form,
    unsubscribed,
)
from webstreet.engine import site
from webstreet.engine.tasks import enqueue_on_commit
from webstreet.kernel.errors import BadInput, TooMany
from webstreet.mail.address import ADDRESS_MAX, normal_address
from webstreet.mail.message import header_text

LANGUAGE_NAMES = {"en": "English", "fr": "Français"}


class _Choices(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=100, required=False)
    language = forms.ChoiceField(label=gettext_lazy("Language of your mails"))
    lists = forms.MultipleChoiceField(label=gettext_lazy("What you receive"), required=False)

    def __init__(self, data: object, subscriber: Subscriber) -> None:
        mine = subscriber.memberships.values_list("mailing_list__key", flat=True)
        initial = {"name": subscriber.name, "language": mails.language_of(subscriber.language), "lists": list(mine)}
        super().__init__(data, initial=initial)  # type: ignore[arg-type]
        self.offered = MailingList.wanted()
        language, lists = self.fields["language"], self.fields["lists"]
        assert isinstance(language, forms.ChoiceField)  # noqa: S101 for the type checker
        assert isinstance(lists, forms.MultipleChoiceField)  # noqa: S101 the same
        language.choices = [(code, LANGUAGE_NAMES[code]) for code in site.current().languages]
        lists.choices = [(entry.key, entry.title) for entry in self.offered]
        # With one list there is nothing to choose: who does not want it unsubscribes.
        lists.required = len(self.offered) > 1
        lists.error_messages["required"] = _("Choose at least one list, or unsubscribe from all mails below.")

    def clean_name(self) -> str:
        try:
            return header_text(self.cleaned_data["name"].strip(), limit=100)
        except BadInput:
            raise forms.ValidationError(_("A name is one line.")) from None

    @property
    def chosen(self) -> list[MailingList]:
        if len(self.offered) == 1:
            return self.offered
        return [entry for entry in self.offered if entry.key in self.cleaned_data["lists"]]


@public
def preferences(request: HttpRequest, token: str) -> HttpResponse:
    """POST says by its button what is meant: save, address, unsubscribe."""
    if token == letters.TEST_TOKEN:
        return of_test_mail(request)
    subscriber = Subscriber.find_by_preferences_token(token)
    if subscriber is None:
        return message(
            request,
            _("This link does not work"),
            _(
                "It may have been cut off by your mail program, or it is from before a change of your address."
                " Take the link of a newer mail, or ask for one."
            ),
            status=404,
            code="token.invalid",
            action_url=mails.url("my_data_ask"),
            action_label=_("Ask for a new link"),
        )
    with translation.override(mails.language_of(subscriber.language)):
        request.LANGUAGE_CODE = translation.get_language() or "en"
        return _for(request, subscriber)


def _for(request: HttpRequest, subscriber: Subscriber) -> HttpResponse:
    if not subscriber.is_active:
        return message(
            request,
            _("You are not subscribed"),
            _("Nothing is sent to you. Sign up again whenever you like."),
            sign_up=sign_up_form(),
        )
    if request.method != "POST":
        return _page(request, subscriber, _Choices(None, subscriber))
    if len(request.body) > guard.BODY_MAX:
        return _page(request, subscriber, _Choices(None, subscriber), status=413)
    action = request.POST.get("action", "")
    if action == "unsubscribe":
        return unsubscribed(request, actions.unsubscribe(subscriber, source=choices.SOURCE, network=network(request)))
    if action == "address":
        return _new_address(request, subscriber)
    form = _Choices(request.POST, subscriber)
    if not form.is_valid():
        return _page(request, subscriber, form, status=422)
    data = form.cleaned_data
    choices.change(
        subscriber, name=data["name"], language=data["language"], lists=form.chosen, network=network(request)
    )
    with translation.override(mails.language_of(data["language"])):
        subscriber.refresh_from_db()
        return _page(request, subscriber, _Choices(None, subscriber), saved=_("Your preferences are saved."))


def _new_address(request: HttpRequest, subscriber: Subscriber) -> HttpResponse:
    given = request.POST.get("email", "")
    try:
        email = normal_address(given)
    except BadInput:
        form = _Choices(None, subscriber)
        return _page(request, subscriber, form, status=422, email=given[:ADDRESS_MAX], error=not_an_address())
    try:
        notice = choices.ask_for_address(subscriber, email, network=network(request))
    except TooMany:
        return busy(request)
    if notice is not None:
        enqueue_on_commit(tasks.send_notice, notice.pk, using=alias())
    return message(
        request,
        _("Check your new mailbox"),
        _("You will receive a message with a link at the new address. Open it to confirm."),
        _("Until then your mails go on to the address that you have now. The link works for %(hours)d hours.")
        % {"hours": letters.ADDRESS_HOURS},
        **home(),
    )


def _page(
    request: HttpRequest,
    subscriber: Subscriber,
    form: _Choices,
    *,
    status: int = 200,
    saved: str = "",
    email: str = "",
    error: str = "",
) -> HttpResponse:
    words = {"form": form, "subscriber": subscriber, "saved": saved, "new_email": email, "email_error": error}
    return render(request, "newsletter/preferences.html", words, status=status)


@public
def address(request: HttpRequest, token: str) -> HttpResponse:
    """The link in the mail to a new address."""
    if request.method != "POST":
        found = Token.find(Token.Purpose.ADDRESS, token)
        if found is None:
            return _dead(request, expired=False)
        if found.used_at is not None and found.email is None:
            return _changed(request)
        if not found.is_open or not found.subscriber.is_active:
            return _dead(request, expired=True)
        words = _("From then on your mails arrive at this address, and no longer at the one before.")
        return message(request, _("Confirm your new address"), words, button=_("Use this address"))
    try:
        notice = choices.confirm_address(token, network=network(request))
    except actions.TokenExpired:
        return _dead(request, expired=True)
    except actions.TokenInvalid:
        return _dead(request, expired=False)
    except choices.AddressTaken:
        return message(
            request,
            _("Already subscribed"),
            _(
                "This address receives the newsletter already, so nothing was changed. To receive it once only, unsubscribe the other."
            ),
            status=409,
            code=choices.AddressTaken.code,
            **home(),
        )
    if notice is not None:
        enqueue_on_commit(tasks.send_notice, notice.pk, using=alias())
    return _changed(request)


def _changed(request: HttpRequest) -> HttpResponse:
    return message(
        request,
        _("Your address is changed"),
        _("Your mails arrive here from now on. The links in earlier mails open your preferences no more."),
        **home(),
    )


def _dead(request: HttpRequest, *, expired: bool) -> HttpResponse:
    if not expired:
        return dead_link(request, expired=False)
    words = _("Nothing was changed. Ask again on your preference page, which every mail has a link to.")
    return message(request, _("This link has expired"), words, status=410, code="token.expired", **home())
