"""Django and allauth say what happens at the door; it is written down here, whichever page it happened on."""

from __future__ import annotations

from typing import Any

from allauth.mfa import signals as factors
from allauth.mfa.models import Authenticator
from django.contrib.auth import signals
from django.contrib.auth.base_user import AbstractBaseUser
from django.dispatch import receiver
from django.http import HttpRequest

from webstreet.engine.accounts.models import Method, Result
from webstreet.engine.accounts.record import named, write
from webstreet.logins.sessions import signed_in_by


@receiver(signals.user_logged_in)
def signed_in(sender: Any, request: HttpRequest | None, user: AbstractBaseUser, **_kwargs: Any) -> None:
    write(Result.SIGNED_IN, user, method=signed_in_by(request, user), request=request)


@receiver(signals.user_login_failed)
def refused(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **_kwargs: Any) -> None:
    write(Result.REFUSED, named(str(credentials.get("username") or "")), method=Method.PASSWORD, request=request)


@receiver(signals.user_logged_out)
def signed_out(sender: Any, request: HttpRequest | None, user: AbstractBaseUser | None, **_kwargs: Any) -> None:
    if user is not None:
        write(Result.SIGNED_OUT, user, request=request)


@receiver(factors.authentication_failed)
def wrong_code(
    sender: Any, request: HttpRequest | None, user: AbstractBaseUser, authenticator: Authenticator, **_kwargs: Any
) -> None:
    write(Result.REFUSED, user, method=authenticator.type, request=request)


@receiver(factors.authenticator_added)
def added(
    sender: Any, request: HttpRequest | None, user: AbstractBaseUser, authenticator: Authenticator, **_kwargs: Any
) -> None:
    codes = authenticator.type == Authenticator.Type.RECOVERY_CODES
    write(
        Result.CODES_MADE if codes else Result.FACTOR_ADDED,
        user,
        method="" if codes else authenticator.type,
        request=request,
    )


@receiver(factors.authenticator_reset)
def codes_made(sender: Any, request: HttpRequest | None, user: AbstractBaseUser, **_kwargs: Any) -> None:
    write(Result.CODES_MADE, user, request=request)


@receiver(factors.authenticator_removed)
def removed(
    sender: Any, request: HttpRequest | None, user: AbstractBaseUser, authenticator: Authenticator, **_kwargs: Any
) -> None:
    if authenticator.type != Authenticator.Type.RECOVERY_CODES:
        write(Result.FACTOR_REMOVED, user, method=authenticator.type, request=request)
