"""The keyed hash that every mail pays."""

from __future__ import annotations

import hmac

import pytest

from webstreet.mail.keyed import KeyedHash


@pytest.mark.parametrize("key", [b"k", b"k" * 64, b"k" * 65, b"only-for-tests" * 20])
@pytest.mark.parametrize("text", [b"", b"newsletter:preferences:ada@example.org", b"x" * 1000])
def test_it_is_what_the_standard_library_makes(key: bytes, text: bytes) -> None:
    made = KeyedHash(key)
    assert [made.digest(text), made.digest(text)] == [hmac.digest(key, text, "sha256")] * 2
    assert KeyedHash(key, b"verp\0" * 20).digest(text) == hmac.digest(key, b"verp\0" * 20 + text, "sha256")
