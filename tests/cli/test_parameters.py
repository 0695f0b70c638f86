"""Parameters as they are typed."""

from __future__ import annotations

import pytest

from webstreet.cli.errors import UsageWrong
from webstreet.cli.site_open import parameters


def test_values_are_yaml_and_dates_are_texts() -> None:
    given = [
        "newsletter.consent_version=2026-01-01",
        "articles.page_size=5",
        "articles.show_authors=true",
        "menu.links=[a, 1]",
    ]
    assert parameters(given) == {
        "newsletter": {"consent_version": "2026-01-01"},
        "articles": {"page_size": 5, "show_authors": True},
        "menu": {"links": ["a", 1]},
    }


@pytest.mark.parametrize("value", ["[2026-01-01]", ".nan", "&a [*a]", "[", "!!set {a}"])
def test_what_cannot_be_sent_is_refused(value: str) -> None:
    with pytest.raises(UsageWrong, match="YAML"):
        parameters([f"menu.links={value}"])
