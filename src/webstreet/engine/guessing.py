"""Nothing that lets people in can be guessed at leisure: after `OF_ACCOUNT` failures for a name, or `OF_NETWORK` from a network, nobody
is let in by password until `WINDOW` is over. Codes of a second factor have a million values and a longer wait: `OF_CODES` wrong ones in
`WINDOW_OF_CODES`. One-time links go on working, so that a stranger can keep no editor out.

The counts are rows of the default database, because all processes of a site must share them and the cache may be away. A row says
neither the name nor the address: its key is a keyed hash.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.views.decorators.debug import sensitive_variables

from webstreet.engine.errors import too_many_guesses
from webstreet.engine.network import client_ip, network_of
from webstreet.kernel.errors import TooMany

OF_ACCOUNT = 10
OF_NETWORK = 50
WINDOW = dt.timedelta(minutes=15)
OF_CODES = 6
WINDOW_OF_CODES = dt.timedelta(hours=1)
CODE_LIVES = dt.timedelta(minutes=2)
"""Longer than a code of an app is taken; in that time it is taken once."""


class TooManyGuesses(TooMany):
    """Passwords or codes were tried too often for this account or from this network."""

    code = "login.too_many"
    retry_after_s = int(WINDOW.total_seconds())


class TooManyCodes(TooManyGuesses):
    """Codes of a second factor were tried too often."""

    code = "login.too_many_codes"
    retry_after_s = int(WINDOW_OF_CODES.total_seconds())


class FailedLogins(models.Model):
    """How often something failed since ``since``; ``key`` is a hash of an account's name or a network."""

    key = models.CharField(max_length=64, primary_key=True)
    count = models.PositiveIntegerField()
    since = models.DateTimeField()

    class Meta:
        app_label = "engine"

    wagtail_reference_index_ignore = True

    def __str__(self) -> str:
        return f"{self.count} failed logins"


class PasswordBackend(ModelBackend):
    """Django's, for whichever form asks, with the limits above."""

    @sensitive_variables()
    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> AbstractBaseUser | None:
        """Raises:
        TooManyGuesses: before the password is looked at.
        """
        limits = {_key("account", (username or "").strip().casefold()): OF_ACCOUNT} if username else {}
        if request is not None:
            limits[_key("network", network_of(client_ip(request)))] = OF_NETWORK
        _refuse_beyond(limits)
        user = super().authenticate(request, username, password, **kwargs)
        if user is None:
            reached = [_count(key) == limit for key, limit in limits.items()]
            if any(reached):
                _tell(_named(username), "password", request)
        else:
            # Not the network's: whoever has one account could go on guessing those of others.
            FailedLogins.objects.filter(key=_key("account", (username or "").strip().casefold())).delete()
        return user


class TooManyGuessesPage:
    """429 with Retry-After, whichever page asked for the password."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return too_many_guesses(request, exception.retry_after_s) if isinstance(exception, TooManyGuesses) else None


def forget_old() -> None:
    FailedLogins.objects.filter(since__lte=timezone.now() - max(WINDOW, WINDOW_OF_CODES)).delete()


def refuse_codes(request: HttpRequest, user: AbstractBaseUser | None) -> None:
    """Before a second factor is looked at, or a passkey that has not said whose it is.

    Raises:
        TooManyCodes, TooManyGuesses.
    """
    if user is not None:
        _refuse_beyond({_key("code", str(user.pk)): OF_CODES}, WINDOW_OF_CODES, TooManyCodes)
    _refuse_beyond({_key("network", network_of(client_ip(request))): OF_NETWORK})


def count_code(request: HttpRequest, user: AbstractBaseUser | None) -> None:
    """One more that was wrong."""
    _count(_key("network", network_of(client_ip(request))))
    if user is not None and _count(_key("code", str(user.pk)), WINDOW_OF_CODES) == OF_CODES:
        _tell(user, "", request)


def forget_codes(user: AbstractBaseUser) -> None:
    """A right one came; what was wrong before it counts no more."""
    FailedLogins.objects.filter(key=_key("code", str(user.pk))).delete()


def take_code(user: AbstractBaseUser, code: str) -> bool:
    """Whether this right code is used for the first time: who looks over a shoulder must not use it again. Asked of the database, because
    another process may have taken it.
    """
    key = _key("taken", f"{user.pk} {''.join(code.split())}")
    return _count(key, CODE_LIVES) == 1


def refuse_links(request: HttpRequest) -> None:
    """Raises:
    TooManyGuesses: from this network too many one-time links were tried that are none.
    """
    _refuse_beyond({_key("link", network_of(client_ip(request))): OF_NETWORK})


def count_link(request: HttpRequest) -> None:
    _count(_key("link", network_of(client_ip(request))))


def refuse_shared(request: HttpRequest) -> None:
    """Before a password that readers share is looked at. Counted by itself: readers are to keep no editor out.

    Raises:
        TooManyGuesses: from this network too many were wrong.
    """
    _refuse_beyond({_key("shared", network_of(client_ip(request))): OF_NETWORK})


def count_shared(request: HttpRequest) -> None:
    _count(_key("shared", network_of(client_ip(request))))


def _named(name: str | None) -> AbstractBaseUser | None:
    from webstreet.engine.accounts.record import named

    return named(name or "")


def _tell(user: AbstractBaseUser | None, method: str, request: HttpRequest | None) -> None:
    """Write down that a limit was reached: once, not for every attempt after it."""
    from webstreet.engine.accounts.models import Result
    from webstreet.engine.accounts.record import write

    write(Result.LIMITED, user, method=method, request=request)


def _refuse_beyond(
    limits: dict[str, int], window: dt.timedelta = WINDOW, error: type[TooManyGuesses] = TooManyGuesses
) -> None:
    for row in FailedLogins.objects.filter(key__in=limits, since__gt=timezone.now() - window):
        if row.count >= limits[row.key]:
            raise error("This was tried too often: wait, or ask for a one-time link.")


def count(kind: str, name: str, window: dt.timedelta) -> int:
    """One more of ``kind`` for ``name``, of which only a keyed hash is kept; how many there were in this window."""
    return _count(_key(kind, name), window)


def _count(key: str, window: dt.timedelta = WINDOW) -> int:
    """One more; how many there were in this window. Of two processes that count at once, each sees another number."""
    now = timezone.now()
    rows = FailedLogins.objects
    with transaction.atomic():
        row, made = rows.select_for_update().get_or_create(key=key, defaults={"count": 1, "since": now})
        if not made:
            row.count, row.since = (row.count + 1, row.since) if row.since > now - window else (1, now)
            row.save(update_fields=["count", "since"])
    return row.count


def _key(kind: str, name: str) -> str:
    return salted_hmac(f"webstreet.engine.guessing.{kind}", name, algorithm="sha256").hexdigest()
