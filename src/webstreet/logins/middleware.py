"""Who must have a second factor sets one up before anything else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.mfa.adapter import get_adapter
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from webstreet.logins.sessions import has_factor
from webstreet.logins.urls import SETTING_UP

ALWAYS = frozenset({"wagtailadmin_logout", "wagtailadmin_sprite", "wagtailadmin_javascript_catalog"})


class FactorFirst:
    """Below ``settings.LOGINS_PREFIX``, a user of whom the program asks a second factor and who has none sees only where to get one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_args: Any) -> HttpResponse | None:
        match = request.resolver_match
        if not request.path_info.startswith(settings.LOGINS_PREFIX) or match is None:
            return None
        if match.url_name in SETTING_UP | ALWAYS or not request.user.is_authenticated:
            return None
        if not get_adapter().must_have_factor(request.user) or has_factor(request.user):
            return None
        messages.warning(
            request,
            _("Everyone who works here needs a second factor. Set up an authenticator app or a passkey to go on."),
        )
        return redirect("mfa_index")
