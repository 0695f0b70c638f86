from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import translation


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """What is rendered without a request's middleware is in the language this thread used last."""
    with translation.override("en"):
        yield
