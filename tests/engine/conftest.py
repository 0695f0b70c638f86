"""What the tests of engine and atoms share: databases made once and copied, and the site's manifest."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _every_alias(request: pytest.FixtureRequest) -> None:
    """Placeholder for fixtures that reset process-wide state between tests."""
    from django.core.cache import cache

    from webstreet.engine.backends.breaker import breakers

    cache.clear()
    for alias in ("newsletter",):
        breakers.close(alias)
