"""Views of our own beside allauth's: signing in by password, and signing out everywhere."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.login import perform_password_login, record_authentication
from allauth.account.models import Login
from allauth.mfa.base.views import IndexView
from django.contrib import messages
from django.contrib.auth import login, logout
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from webstreet.logins.adapters import passkeys_possible
from webstreet.logins.sessions import end_sessions, ended_words


class ByPassword:
    """For a LoginView of Django: a right password begins the log-in; who has a second factor is asked for it next."""

    request: HttpRequest

    def form_valid(self, form: Any) -> HttpResponse:
        user = form.get_user()
        return perform_password_login(
            self.request,
            {"username": user.get_username()},
            Login(user=user, redirect_url=self.get_success_url()),  # type: ignore[attr-defined]
        )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]
        return context | {"passkeys_possible": passkeys_possible(self.request)}


def sign_in_by_link(request: HttpRequest, user: AbstractBaseUser, backend: str) -> None:
    """Sign in whoever was given a one-time link: strong enough to stand alone, and no proof of a password or a factor."""
    if request.user.is_authenticated:
        logout(request)
    record_authentication(request, user, method="link")
    login(request, user, backend=backend)


class Security(IndexView):
    """What somebody's account is protected by."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"passkeys_possible": passkeys_possible(self.request)}


security = never_cache(Security.as_view())


@require_POST
def sign_out_elsewhere(request: HttpRequest) -> HttpResponseRedirect:
    """End every session of this user but the one that asks."""
    ended = end_sessions(request.user, but=request.session.session_key)  # type: ignore[arg-type]
    messages.success(request, ended_words(ended) if ended else _("You were signed in nowhere else."))
    return redirect("mfa_index")
