"""The addresses of allauth that exist: none is included wholesale, so what is not here is not there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account.views import ReauthenticateView
from allauth.mfa.base import views as base
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as app
from allauth.mfa.webauthn import views as keys
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.generic import RedirectView

from webstreet.logins import views

Guard = Callable[[Callable[..., Any]], Callable[..., Any]]


def entrance(guard: Guard) -> list[URLPattern]:
    """For somebody who is not signed in: the second factor, and the passkey in place of a password."""
    return [
        path("code/", guard(base.authenticate), name="mfa_authenticate"),
        path("passkey/", guard(never_cache(keys.login_webauthn)), name="mfa_login_webauthn"),
    ]


def management(guard: Guard) -> list[URLPattern]:
    """For somebody who is signed in and whom ``guard`` lets through: their own factors. Changes ask for the password or a factor again."""
    to_index = RedirectView.as_view(pattern_name="mfa_index")
    found: dict[str, tuple[str, Callable[..., Any]]] = {
        "mfa_index": ("", views.security),
        "logins_sign_out_elsewhere": ("sign-out-elsewhere/", views.sign_out_elsewhere),
        "account_reauthenticate": ("confirm/", ReauthenticateView.as_view()),
        "mfa_reauthenticate": ("confirm/code/", base.reauthenticate),
        "mfa_reauthenticate_webauthn": ("confirm/key/", keys.reauthenticate_webauthn),
        "mfa_activate_totp": ("app/add/", app.activate_totp),
        "mfa_deactivate_totp": ("app/remove/", app.deactivate_totp),
        "mfa_view_recovery_codes": ("recovery-codes/", codes.view_recovery_codes),
        "mfa_generate_recovery_codes": ("recovery-codes/new/", codes.generate_recovery_codes),
        "mfa_list_webauthn": ("keys/", to_index),
        "mfa_add_webauthn": ("keys/add/", keys.add_webauthn),
        "mfa_edit_webauthn": ("keys/<int:pk>/rename/", keys.edit_webauthn),
        "mfa_remove_webauthn": ("keys/<int:pk>/remove/", keys.remove_webauthn),
    }
    return [path(route, guard(never_cache(view)), name=name) for name, (route, view) in found.items()]


SETTING_UP = frozenset(
    {
        "mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "mfa_view_recovery_codes", "account_reauthenticate",
        "mfa_reauthenticate", "mfa_reauthenticate_webauthn", "mfa_list_webauthn", "account_logout", "account_login",
    }
)  # fmt: skip
"""Names of what somebody may open who must set up a second factor first."""
