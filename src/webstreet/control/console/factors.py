"""Second factors and passkeys of operators, and what the journal says of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.mfa import signals as factors
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import get_user_model, signals
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.dispatch import receiver
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from webstreet.control.clients.failures import address_of
from webstreet.control.console.password import TooManyAttempts, of_address, of_code, too_many
from webstreet.control.console.site import console
from webstreet.control.journal.models import note
from webstreet.logins import adapters
from webstreet.logins.sessions import signed_in_by


class AccountAdapter(adapters.AccountAdapter):
    def get_client_ip(self, request: HttpRequest) -> str:
        return address_of(request)

    def reauthenticate(self, user: AbstractBaseUser, password: str) -> bool:
        try:
            return bool(super().reauthenticate(user, password))
        except TooManyAttempts:
            raise too_many() from None


class MfaAdapter(adapters.MfaAdapter):
    def _get_site_name(self) -> str:
        return "Webstreet"

    def must_have_factor(self, user: AbstractBaseUser) -> bool:
        return bool(settings.SECOND_FACTOR_REQUIRED)

    def refuse_guesses(self, request: HttpRequest, user: AbstractBaseUser | None) -> None:
        if of_address.too_many(address_of(request)):
            raise too_many()
        if user is not None and of_code.too_many(str(user.pk)):
            raise ValidationError(
                _("Too many wrong codes. Wait an hour, or log in by a link: webstreet login."), code="too_many"
            )

    def count_guess(self, request: HttpRequest, user: AbstractBaseUser | None) -> None:
        of_address.add(address_of(request))
        if user is not None:
            of_code.add(str(user.pk))
            if of_code.too_many(str(user.pk)):
                _note(user, "operator.login_limited")

    def forget_guesses(self, user: AbstractBaseUser) -> None:
        of_code.forget(str(user.pk))


def framed(view: Callable[..., Any]) -> Callable[..., Any]:
    """The view, in the console's frame."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        request.current_app = console.name  # type: ignore[attr-defined]
        response: HttpResponseBase = view(request, *args, **kwargs)
        context = getattr(response, "context_data", None)
        if context is not None:
            # unfold looks for the pages of whatever is called an object, and ours have none.
            shown = {name: value for name, value in context.items() if name != "object"}
            response.context_data = console.each_context(request) | {"title": _("Sign-in and security")} | shown  # type: ignore[attr-defined]
        return response

    return answer


def for_operators(view: Callable[..., Any]) -> Callable[..., Any]:
    guarded: Callable[..., Any] = console.admin_view(framed(view))
    return guarded


def _note(user: AbstractBaseUser | None, what: str, **detail: Any) -> None:
    """A line about an operator; what is tried with names that are nobody's would only fill the journal."""
    if user is not None:
        note(user.get_username(), what, object=user.get_username(), **detail)


@receiver(signals.user_logged_in)
def logged_in(sender: Any, request: HttpRequest | None, user: AbstractBaseUser, **_kwargs: Any) -> None:
    _note(user, "operator.logged_in", by=signed_in_by(request, user))


@receiver(signals.user_login_failed)
def refused(sender: Any, credentials: dict[str, Any], **_kwargs: Any) -> None:
    found = get_user_model().objects.filter(username=str(credentials.get("username") or "")).first()
    _note(found, "operator.login_refused", by="password")


@receiver(factors.authentication_failed)
def wrong_code(sender: Any, user: AbstractBaseUser, authenticator: Authenticator, **_kwargs: Any) -> None:
    _note(user, "operator.login_refused", by=authenticator.type)


@receiver(factors.authenticator_added)
def added(sender: Any, user: AbstractBaseUser, authenticator: Authenticator, **_kwargs: Any) -> None:
    _note(user, "operator.factor_added", factor=authenticator.type)


@receiver(factors.authenticator_reset)
def codes_made(sender: Any, user: AbstractBaseUser, **_kwargs: Any) -> None:
    _note(user, "operator.factor_added", factor="recovery_codes")


@receiver(factors.authenticator_removed)
def removed(sender: Any, user: AbstractBaseUser, authenticator: Authenticator, **_kwargs: Any) -> None:
    _note(user, "operator.factor_removed", factor=authenticator.type)
