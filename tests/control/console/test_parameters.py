"""The fields in which a parameter is typed."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from webstreet.control.console.parameters import Yaml


@pytest.mark.parametrize("text", ["- 2026-01-01", "&a [*a]", "- .nan", "!!set {a}", "[" * 3000, "a: ["])
def test_what_cannot_be_kept_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="YAML"):
        Yaml(required=False).clean(text)


def test_what_can_be_kept_is_read() -> None:
    assert Yaml(required=False).clean('- title: "2026"\n  open: true\n') == [{"title": "2026", "open": True}]
