"""Addresses of the door and of everybody's own factors, below /admin/. They come before Wagtail's, whose log-in page knows no factor."""

from __future__ import annotations

from django.urls import include, path

from webstreet.engine.accounts import views
from webstreet.logins import urls

urlpatterns = [
    path("login/", views.sign_in, name="account_login"),
    path("login/", include(urls.entrance(views.entrance))),
    path("logout/", views.sign_out, name="account_logout"),
    path("account/security/", include(urls.management(views.management))),
]
