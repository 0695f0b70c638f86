"""Large tables read a page at a time."""

from __future__ import annotations

import gc
import weakref

import pytest
from wagtail.contrib.redirects.models import Redirect

from webstreet.engine.rows import by_key, swept

# More than one row has the same link, and the pages end within such a group.
LINKS = [
    "https://b.example/",
    "https://a.example/",
    "https://b.example/",
    "https://b.example/",
    "https://c.example/",
    "https://a.example/",
]


@pytest.fixture
def redirects(db):
    return [Redirect.objects.create(old_path=f"/{number}", redirect_link=link) for number, link in enumerate(LINKS)]


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7])
@pytest.mark.parametrize("key", ["pk", "-pk", "redirect_link", "-redirect_link", "old_path"])
def test_every_row_comes_once_and_in_order(redirects, key, size):
    name = key.removeprefix("-")
    expected = sorted(redirects, key=lambda row: row.pk)
    expected.sort(key=lambda row: getattr(row, name), reverse=key.startswith("-"))
    assert list(by_key(Redirect.objects.all(), key, size=size)) == expected


def test_no_more_than_a_page_is_asked_for(redirects, django_assert_num_queries):
    rows = by_key(Redirect.objects.filter(redirect_link="https://b.example/"), size=2)
    with django_assert_num_queries(1) as asked:
        assert [next(rows), next(rows)] == [redirects[0], redirects[2]]
    assert "LIMIT 2" in asked.captured_queries[0]["sql"]
    with django_assert_num_queries(1):
        assert list(rows) == [redirects[3]]


class _Circle:
    """Refers to itself: only the collector of garbage finds that nobody needs it."""

    def __init__(self) -> None:
        self.itself = self


def test_garbage_in_circles_is_collected_on_the_way():
    met: list[weakref.ref[_Circle]] = []
    before = gc.get_threshold()
    gc.set_threshold(0)
    try:
        for circle in swept((_Circle() for _ in range(4)), every=2):
            met.append(weakref.ref(circle))
            del circle
            if len(met) == 2:
                assert all(ref() is not None for ref in met), "by themselves they stay"
        assert met[0]() is met[1]() is None
    finally:
        gc.set_threshold(*before)
