"""What allauth asks the program it runs in. The programs' own adapters extend these."""

from __future__ import annotations

import ipaddress
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from webstreet.logins import secrets

# Who just signed in sees it; the sentence would only be in the way.
_UNSAID = ("account/messages/logged_in.txt", "account/messages/logged_out.txt")


class AccountAdapter(DefaultAccountAdapter):
    """No sign-up, no mail, one stage after the password."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_stages(self) -> list[str]:
        return ["allauth.mfa.stages.AuthenticateStage"]

    def add_message(
        self, request: HttpRequest, level: int, message_template: str | None = None, *args: Any, **kwargs: Any
    ) -> None:
        if message_template not in _UNSAID:
            super().add_message(request, level, message_template, *args, **kwargs)

    def respond_user_inactive(self, request: HttpRequest, user: AbstractBaseUser) -> HttpResponse:
        return HttpResponseRedirect(reverse("account_login"))


class MfaAdapter(DefaultMFAAdapter):
    """Secrets encrypted at rest. How often may be guessed is the program's to say: `refuse_guesses`, `count_guess`, `forget_guesses`."""

    def encrypt(self, text: str) -> str:
        return secrets.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return secrets.decrypt(encrypted_text)

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return _("Passkey") if number == 1 else _("Passkey %(number)s") % {"number": number}

    def must_have_factor(self, user: AbstractBaseUser) -> bool:
        """Whether this user has to have a second factor before anything else."""
        return False

    def refuse_guesses(self, request: HttpRequest, user: AbstractBaseUser | None) -> None:
        """Raise an error of the program's own when there were too many; ``user`` is None while a passkey has not said whose it is."""
        raise NotImplementedError

    def count_guess(self, request: HttpRequest, user: AbstractBaseUser | None) -> None:
        raise NotImplementedError

    def forget_guesses(self, user: AbstractBaseUser) -> None:
        raise NotImplementedError

    def take_code(self, user: AbstractBaseUser, code: str) -> bool:
        """Whether this code is used for the first time; asked once it has been found right."""
        return True


def passkeys_possible(request: HttpRequest) -> bool:
    """Browsers give passkeys to host names reached over TLS, and to localhost; never to an address of digits."""
    host = request.get_host().rpartition(":")[0] or request.get_host()
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return request.is_secure() or host == "localhost" or host.endswith(".localhost")
    return False
