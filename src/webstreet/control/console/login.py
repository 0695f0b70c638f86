"""Logging in by password and by link. Of the link, GET only shows a button, because mail scanners and chat previews open every link;
POST logs in, once. A link asks for no second factor: only who has the operator's key or the state folder can make one.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables

from webstreet.control.clients.models import LoginLink
from webstreet.control.console.site import console
from webstreet.logins.views import ByPassword, sign_in_by_link


class PasswordLogin(ByPassword, LoginView):
    """The console's own, with the second factor after it."""


@method_decorator(never_cache, name="dispatch")
class LoginByLink(View):
    """/console/link/<token>/"""

    http_method_names = ["get", "head", "post"]

    @sensitive_variables("token")
    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return self._page(request, LoginLink.usable(token))

    @sensitive_variables("token")
    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        link = LoginLink.usable(token)
        if link is None or not link.user.is_active or not link.use():
            return self._page(request, None)
        sign_in_by_link(request, link.user, settings.AUTHENTICATION_BACKENDS[0])
        return redirect(link.next or reverse("console:index"))

    def _page(self, request: HttpRequest, link: LoginLink | None) -> HttpResponse:
        context = console.each_context(request) | {"link": link, "title": ""}
        response = render(request, "console/link.html", context, status=200 if link else 410)
        # The address is the secret, so nobody else may learn it from a referrer. "no-referrer" would be stricter, but then browsers send
        # "Origin: null" with the form, which the CSRF check refuses.
        response["Referrer-Policy"] = "same-origin"
        return response
