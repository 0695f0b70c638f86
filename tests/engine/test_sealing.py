"""Secrets in a database: opened with the same SECRET_KEY and for the same purpose, and with nothing else."""

from __future__ import annotations

from webstreet.engine.sealing import derived, seal, unseal
from webstreet.kernel.secret import Secret

SECRET = Secret("a private key")


def test_what_is_sealed_opens_and_does_not_show():
    sealed = seal(SECRET, "one")
    assert unseal(sealed, "one") == SECRET
    assert "private" not in sealed
    assert seal(SECRET, "one") != sealed


def test_it_opens_for_its_purpose_and_with_its_key_only(settings):
    sealed = seal(SECRET, "one")
    assert unseal(sealed, "two") is None
    assert unseal(sealed[:-4] + "AAA=", "one") is None
    assert unseal("nothing", "one") is None
    settings.SECRET_KEY, old = "another" * 10, settings.SECRET_KEY
    assert unseal(sealed, "one") is None
    settings.SECRET_KEY_FALLBACKS = [old]
    assert unseal(sealed, "one") == SECRET


def test_a_purpose_has_a_key_of_its_own(settings):
    found = derived("one")
    assert found == derived("one")
    assert found != derived("two")
    assert len(found.reveal()) >= 43
    settings.SECRET_KEY = "another" * 10
    assert derived("one") != found
