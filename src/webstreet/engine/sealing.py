"""Secrets that lie in a database, encrypted; and keys for other purposes. All made of SECRET_KEY, a different one for each purpose
(HKDF-SHA-256, RFC 5869), so that what one of them gives away opens nothing else. SECRET_KEY_FALLBACKS still open.
"""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from webstreet.kernel.secret import Secret


@sensitive_variables()
def derived(purpose: str) -> Secret:
    """A key for ``purpose`` alone (43 characters): the same as long as SECRET_KEY is."""
    return Secret(_key(settings.SECRET_KEY, purpose).decode())


@sensitive_variables()
def seal(secret: Secret, purpose: str) -> str:
    """``secret`` as a text that may be stored; the same secret never looks the same twice."""
    return _box(purpose).encrypt(secret.reveal().encode()).decode()


@sensitive_variables()
def unseal(sealed: str, purpose: str) -> Secret | None:
    """What was sealed; None: with another SECRET_KEY, for another purpose, or it was changed since."""
    try:
        return Secret(_box(purpose).decrypt(sealed.encode()).decode())
    except InvalidToken:
        return None


@sensitive_variables()
def _box(purpose: str) -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_key(key, purpose)) for key in keys])


@sensitive_variables()
def _key(secret: str, purpose: str) -> bytes:
    info = f"webstreet.{purpose}".encode()
    return base64.urlsafe_b64encode(HKDF(SHA256(), length=32, salt=None, info=info).derive(secret.encode()))
