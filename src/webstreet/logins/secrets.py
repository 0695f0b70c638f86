"""Secrets of second factors, encrypted where they lie: with a key made from SECRET_KEY for this alone (HKDF, RFC 5869)."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from webstreet.kernel.errors import Broken


class FactorUnreadable(Broken):
    """The secret of a second factor was encrypted with another SECRET_KEY."""

    code = "factor.unreadable"


def encrypt(text: str) -> str:
    return _box().encrypt(text.encode()).decode()


@sensitive_variables()
def decrypt(encrypted: str) -> str:
    """Raises:
    FactorUnreadable: it was encrypted with another key, or changed.
    """
    try:
        return _box().decrypt(encrypted.encode()).decode()
    except InvalidToken:
        raise FactorUnreadable(
            "This second factor was made with another SECRET_KEY: give that one back, or remove the factor and set it up again."
        ) from None


@sensitive_variables()
def _box() -> MultiFernet:
    return MultiFernet([Fernet(_key(secret)) for secret in [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]])


@sensitive_variables()
def _key(secret: str) -> bytes:
    derived = HKDF(SHA256(), length=32, salt=None, info=b"webstreet.logins.factors").derive(secret.encode())
    return base64.urlsafe_b64encode(derived)
