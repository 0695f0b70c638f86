"""Logging in by password or code, slowed down where somebody guesses. One web process serves, so counting in memory is exact."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from unfold.forms import AuthenticationForm

from webstreet.control.clients.failures import Failures, address_of
from webstreet.kernel.errors import TooMany

of_name = Failures(limit=5)
of_address = Failures(limit=30)
of_code = Failures(limit=6, window_s=3600)
"""Wrong codes of one operator's second factor: of a million there are, so few may be tried."""


class TooManyAttempts(TooMany):
    """Passwords were tried too often from this address."""

    code = "login.too_many"


class PasswordBackend(ModelBackend):
    """Django's, for whichever form asks; failures count by address, and by address and name."""

    @sensitive_variables()
    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> AbstractBaseUser | None:
        """Raises:
        TooManyAttempts: before the password is looked at.
        """
        address = address_of(request) if request is not None else ""
        name = f"{address} {(username or '')[:150].casefold()}"
        if of_name.too_many(name) or of_address.too_many(address):
            raise TooManyAttempts("Too many attempts. Wait a minute, then try again.")
        user = super().authenticate(request, username, password, **kwargs)
        if user is None:
            of_name.add(name)
            of_address.add(address)
        return user


class PasswordForm(AuthenticationForm):
    """Says so when there were too many attempts."""

    def clean(self) -> dict[str, Any]:
        try:
            return super().clean()
        except TooManyAttempts:
            raise too_many() from None


class NewPassword(PasswordChangeView):
    """One's own, after the old one was typed again."""

    template_name = "console/form.html"
    success_url = reverse_lazy("console:index")

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, _("Your password is changed."))
        answer: HttpResponse = super().form_valid(form)
        return answer


def too_many() -> ValidationError:
    return ValidationError(_("Too many attempts. Wait a minute, then try again."), code="too_many")
