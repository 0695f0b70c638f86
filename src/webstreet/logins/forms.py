"""allauth's forms, with limits that hold for every process, and with answers of authenticators that nobody trusts to be well formed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account.forms import ReauthenticateForm
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.forms import ReauthenticateForm as ReauthenticateByCodeForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY, generate_totp_secret
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from cryptography.exceptions import InvalidSignature
from django import forms
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from webstreet.logins.secrets import decrypt, encrypt

# What fido2 and allauth let through when an answer is not what it should be.
_MALFORMED = (InvalidSignature, AttributeError, IndexError, KeyError, TypeError, ValueError, OverflowError)


def _guess(user: AbstractBaseUser | None, check: Callable[[], Any]) -> Any:
    """``check()``, unless too much was guessed already; a failure of it counts.

    Raises:
        ValidationError: the answer is wrong.
    """
    adapter, request = get_adapter(), context.request
    adapter.refuse_guesses(request, user)
    try:
        found = check()
    except ValidationError:
        adapter.count_guess(request, user)
        raise
    except _MALFORMED:
        adapter.count_guess(request, user)
        raise adapter.validation_error("incorrect_code") from None
    if user is not None:
        adapter.forget_guesses(user)
    return found


class _Code:
    def clean_code(self) -> str:
        def check() -> str:
            code: str = super(_Code, self).clean_code()  # type: ignore[misc]
            if not get_adapter().take_code(self.user, code):  # type: ignore[attr-defined]
                raise get_adapter().validation_error("incorrect_code")
            return code

        found: str = _guess(self.user, check)  # type: ignore[attr-defined]
        return found


class Code(_Code, AuthenticateForm):
    """The second factor, typed."""


class CodeAgain(_Code, ReauthenticateByCodeForm):
    """The same, before something that matters."""


class _Key:
    def clean_credential(self) -> Any:
        return _guess(self.user, super().clean_credential)  # type: ignore[attr-defined,misc]


class Key(_Key, AuthenticateWebAuthnForm):
    """The second factor, a key."""


class KeyAgain(_Key, ReauthenticateWebAuthnForm):
    """The same, before something that matters."""


class Passkey(_Key, LoginWebAuthnForm):
    """A passkey instead of a password."""


class PasswordAgain(ReauthenticateForm):
    """The password, before something that matters. The back-end that looks at it counts what is wrong."""

    password = forms.CharField(
        label=_("Password"), widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}), max_length=4096
    )


class NewKey(AddWebAuthnForm):
    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        required=False,
        help_text=_("To tell it from your other keys: “Laptop”, “Blue key”."),
    )
    passwordless = forms.BooleanField(
        label=_("Sign in with this key alone, without a password"),
        required=False,
        initial=True,
        help_text=_("The key must then ask for a fingerprint, a face or a PIN."),
    )

    def clean(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = super().clean()
        except _MALFORMED:
            raise get_adapter().validation_error("incorrect_code") from None
        return found


class NewApp(ActivateTOTPForm):
    """An authenticator app. Its secret waits in the session until a code proves that the app has it: encrypted, like afterwards."""

    def __init__(self, *args: Any, user: AbstractBaseUser, **kwargs: Any) -> None:
        self.user = user
        forms.Form.__init__(self, *args, **kwargs)
        session = context.request.session
        if not self.is_bound or SECRET_SESSION_KEY not in session:
            session[SECRET_SESSION_KEY] = encrypt(generate_totp_secret())
        self.secret = decrypt(session[SECRET_SESSION_KEY])

    def clean_code(self) -> str:
        found: str = _guess(self.user, super().clean_code)
        return found
