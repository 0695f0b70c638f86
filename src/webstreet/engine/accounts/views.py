"""The door of the admin: one page for the password, and what follows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from wagtail.admin.auth import require_admin_access
from wagtail.admin.views.account import LoginView as WagtailLoginView
from wagtail.admin.views.account import LogoutView

from webstreet.engine.accounts.forms import SignInForm
from webstreet.logins.views import ByPassword


@method_decorator([sensitive_post_parameters("password"), never_cache], name="dispatch")
class LoginView(ByPassword, WagtailLoginView):
    """Wagtail's page, with the second factor after it. No other page of the site takes a password of an account."""

    template_name = "accounts/login.html"

    def get_form_class(self) -> type[SignInForm]:
        return SignInForm

    def form_valid(self, form: Any) -> HttpResponse:
        # Before the log-in: it may end in another request, after a code.
        self.request.session.set_expiry(None if form.cleaned_data.get("remember") else 0)
        return super().form_valid(form)


sign_in = LoginView.as_view()
sign_out = LogoutView.as_view()


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """Where Wagtail sends readers of a page for signed-in people: to the one page that takes passwords."""
    wanted = request.GET.get("next", "")
    query = f"?{urlencode({'next': wanted})}" if wanted else ""
    return HttpResponseRedirect(reverse("account_login") + query)


def entrance(view: Callable[..., Any]) -> Callable[..., Any]:
    return view


management = require_admin_access
