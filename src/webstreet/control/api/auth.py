"""Who calls: a bearer key becomes an `Actor`. Failures are counted by address, so that keys cannot be tried at leisure."""

from __future__ import annotations

from django.http import HttpRequest
from ninja.security import HttpBearer

from webstreet.control.clients.access import Actor
from webstreet.control.clients.errors import KeyUnknown, TooManyFailures
from webstreet.control.clients.failures import Failures, address_of
from webstreet.control.clients.models import AccessKey

LONGEST_KEY = 200
# One wrong key tried over and over is held back early; an address is held back late, since many people may share it.
of_key = Failures(limit=10)
of_address = Failures(limit=100)


class Bearer(HttpBearer):
    """``Authorization: Bearer KEY``."""

    def authenticate(self, request: HttpRequest, token: str) -> Actor:
        address = address_of(request)
        name = f"{address} {token[:12]}"
        if of_key.too_many(name) or of_address.too_many(address):
            raise TooManyFailures(
                "Too many requests with a wrong key came from here. Wait a minute, then check the key."
            )
        key = AccessKey.find(token) if len(token) <= LONGEST_KEY and token.isascii() and token.isprintable() else None
        if key is None:
            of_key.add(name)
            of_address.add(address)
            raise KeyUnknown(
                "This key is not known here: it was revoked, or it belongs to another control plane. Check which key is sent."
            )
        key.used()
        return Actor.of_key(key)
