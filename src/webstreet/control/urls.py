"""Addresses of the control plane: the API, the console, languages, and nothing else."""

from __future__ import annotations

from django.urls import include, path
from django.views.generic import RedirectView

from webstreet.control.api.root import api
from webstreet.control.console.factors import for_operators, framed
from webstreet.control.console.login import LoginByLink
from webstreet.control.console.site import console
from webstreet.logins import urls as logins

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="console:index")),
    path("api/v1/", api.urls),
    path("console/login/", console.login, name="account_login"),
    path("console/login/", include(logins.entrance(framed))),
    path("console/logout/", console.logout, name="account_logout"),
    path("console/account/security/", include(logins.management(for_operators))),
    path("console/link/<str:token>/", LoginByLink.as_view(), name="login-link"),
    path("console/", console.urls),
    path("i18n/", include("django.conf.urls.i18n")),
]
