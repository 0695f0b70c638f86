"""Passwords cannot be guessed at leisure: after `OF_ACCOUNT` failures for a name, or `OF_NETWORK` from a network, nobody is let in by
password until `WINDOW` is over. One-time links go on working, so that a stranger can keep no editor out.

The counts are rows of the default database, because all processes of a site must share them and the cache may be away. A row says
neither the name nor the address: its key is a keyed hash.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Callable
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.views.decorators.debug import sensitive_variables

from webstreet.engine.errors import too_many_guesses
from webstreet.engine.network import client_ip
from webstreet.kernel.errors import TooMany

OF_ACCOUNT = 10
OF_NETWORK = 50
WINDOW = dt.timedelta(minutes=15)
IPV6_NETWORK_BITS = 64
"""What one reader usually has for himself (RFC 6177)."""


class TooManyGuesses(TooMany):
    """Passwords were tried too often for this account or from this network."""

    code = "login.too_many"
    retry_after_s = int(WINDOW.total_seconds())


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
            limits[_key("network", _network(client_ip(request)))] = OF_NETWORK
        _refuse_beyond(limits)
        user = super().authenticate(request, username, password, **kwargs)
        if user is None:
            for key in limits:
                _count(key)
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
    FailedLogins.objects.filter(since__lte=timezone.now() - WINDOW).delete()


def _refuse_beyond(limits: dict[str, int]) -> None:
    for row in FailedLogins.objects.filter(key__in=limits, since__gt=timezone.now() - WINDOW):
        if row.count >= limits[row.key]:
            raise TooManyGuesses(
                "Passwords were tried too often: wait a quarter of an hour, or ask for a one-time link."
            )


def _count(key: str) -> None:
    now = timezone.now()
    rows = FailedLogins.objects
    if not rows.filter(key=key, since__gt=now - WINDOW).update(count=models.F("count") + 1):
        rows.update_or_create(key=key, defaults={"count": 1, "since": now})


def _key(kind: str, name: str) -> str:
    return salted_hmac(f"webstreet.engine.guessing.{kind}", name, algorithm="sha256").hexdigest()


def _network(address: str) -> str:
    """The address, or the network of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((int(parsed), IPV6_NETWORK_BITS), strict=False))
