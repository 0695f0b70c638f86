"""The sessions of one user: how the present one began, and ending them wherever they are."""

from __future__ import annotations

from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.models import Authenticator
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import ngettext


def signed_in_by(request: HttpRequest | None, user: AbstractBaseUser) -> str:
    """What ``user`` showed last ("password", "link", "totp", "webauthn", "recovery_codes"); empty where nothing is known."""
    records = get_authentication_records(request, user) if request is not None else []
    last = records[-1] if records else {}
    return str(last.get("type") or last.get("method") or "")


def end_sessions(user: AbstractBaseUser, *, but: str | None = None) -> int:
    """Sign ``user`` out everywhere, except in the session with the key ``but``; how many sessions ended.

    Who a session is of is inside it, so each is opened. Only people who signed in have one: there are few.
    """
    found = [
        session.pk
        for session in Session.objects.filter(expire_date__gte=timezone.now()).iterator()
        if session.pk != but and session.get_decoded().get(SESSION_KEY) == str(user.pk)
    ]
    ended, _of = Session.objects.filter(pk__in=found).delete()
    return ended


def ended_words(ended: int) -> str:
    return ngettext("Signed out of one other place.", "Signed out of %(n)s other places.", ended) % {"n": ended}


def remove_factors(user: AbstractBaseUser) -> int:
    """Take every second factor and recovery code from ``user``, because they were lost, and end all sessions; how many there were."""
    removed, _of = Authenticator.objects.filter(user_id=user.pk).delete()
    end_sessions(user)
    return removed


def has_factor(user: AbstractBaseUser) -> bool:
    """Whether something besides a password is asked for. Recovery codes alone are no factor."""
    return Authenticator.objects.filter(user_id=user.pk).exclude(type=Authenticator.Type.RECOVERY_CODES).exists()
