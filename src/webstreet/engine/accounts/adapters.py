"""What allauth asks of a site: where its guesses are counted, whom it asks for a second factor, and what it is called."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from webstreet.engine import guessing
from webstreet.engine.accounts.models import FactorAsked, SecuritySettings
from webstreet.engine.accounts.record import works_here
from webstreet.engine.network import client_ip
from webstreet.logins import adapters


class AccountAdapter(adapters.AccountAdapter):
    """The library's, with the reader's real address."""

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_ip(request)


class MfaAdapter(adapters.MfaAdapter):
    def _get_site_name(self) -> str:
        name: str = settings.WAGTAIL_SITE_NAME
        return name

    def must_have_factor(self, user: AbstractBaseUser) -> bool:
        asked = SecuritySettings.load().second_factor
        if asked == FactorAsked.ADMINISTRATORS:
            return bool(user.is_superuser)  # type: ignore[attr-defined]
        return asked == FactorAsked.EVERYONE and works_here(user)

    def refuse_guesses(self, request: HttpRequest, user: AbstractBaseUser | None) -> None:
        guessing.refuse_codes(request, user)

    def count_guess(self, request: HttpRequest, user: AbstractBaseUser | None) -> None:
        guessing.count_code(request, user)

    def forget_guesses(self, user: AbstractBaseUser) -> None:
        guessing.forget_codes(user)

    def take_code(self, user: AbstractBaseUser, code: str) -> bool:
        return guessing.take_code(user, code)
