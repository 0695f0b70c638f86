"""What a worker writes into mails is what the whole site answers."""

from __future__ import annotations

import pytest
from django.urls import get_resolver, resolve, reverse
from django.utils import translation

from webstreet.engine import addresses

NAMES = {
    "engine_login": ["abc"],
    "newsletter:address": ["abc"],
    "newsletter:confirm": ["abc"],
    "newsletter:my_data": ["abc"],
    "newsletter:preferences": ["abc"],
    "newsletter:undo": ["abc"],
    "newsletter:unsubscribe": ["abc"],
    "theme-icon": ["abc"],
    "wagtail_serve": ["one/two/"],
    "wagtaildocs_serve": ["1", "report.pdf"],
}


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("name", NAMES)
def test_a_readers_address_is_the_one_that_the_site_answers(name, language):
    with translation.override(language):
        path = addresses.for_readers(name, *NAMES[name])
        assert path == reverse(name, args=NAMES[name])
        assert resolve(path).view_name == name


def test_nothing_is_answered_in_another_order_than_it_is_written():
    own = get_resolver(addresses.FOR_READERS).url_patterns
    assert get_resolver().url_patterns[-len(own) :] == own
