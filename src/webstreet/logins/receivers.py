"""Who adds a factor protects the account from then on: sessions that began without it end, wherever they are."""

from __future__ import annotations

from typing import Any

from allauth.mfa import signals
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.dispatch import receiver
from django.http import HttpRequest

from webstreet.logins.sessions import end_sessions, ended_words


@receiver(signals.authenticator_added)
def end_others(
    sender: Any, request: HttpRequest | None, user: AbstractBaseUser, authenticator: Authenticator, **_kwargs: Any
) -> None:
    """Not for recovery codes, which are made beside a factor. A new password ends the others too: Django sees to that."""
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        return
    ended = end_sessions(user, but=request.session.session_key if request is not None else None)
    if ended and request is not None:
        messages.success(request, ended_words(ended))
