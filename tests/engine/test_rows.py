"""Large tables read a page at a time."""

from __future__ import annotations

import gc
import weakref

import pytest
from django.db import connection
from wagtail.contrib.redirects.models import Redirect

from tests.engine.tracing import peak_mb
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


@pytest.fixture
def many(db):
    Redirect.objects.bulk_create(
        Redirect(old_path=f"/{number}", redirect_link=f"https://{number % 7}.example/{'x' * 200}")
        for number in range(3000)
    )


@pytest.mark.only_on("postgresql", "mariadb", reason="gives row after row, so that there is no result of a size")
@pytest.mark.requirement("P5")
@pytest.mark.parametrize("key", ["pk", "-pk", "redirect_link"])
def test_no_result_of_a_server_has_more_than_a_page(many, key):
    """Both drivers take a whole result into memory, PostgreSQL's where `tracemalloc` does not see it."""
    taken = []

    def counted(execute, sql, params, many, context):
        found = execute(sql, params, many, context)
        taken.append(context["cursor"].rowcount)
        return found

    with connection.execute_wrapper(counted):
        assert sum(1 for _ in by_key(Redirect.objects.all(), key, size=250)) == 3000
    assert max(taken) == 250
    assert sum(taken) == 3000


@pytest.mark.requirement("P5")
@pytest.mark.parametrize("key", ["pk", "redirect_link"])
def test_many_rows_take_no_more_memory_than_some(many, key):
    def read(some):
        for _ in by_key(Redirect.objects.filter(pk__lte=some), key, size=100):
            pass

    first = Redirect.objects.order_by("pk").values_list("pk", flat=True)[0]
    read(first + 200)  # what is made once
    some, all_ = peak_mb(read, first + 499), peak_mb(read, first + 2999)
    assert all_ - some < 0.05, (some, all_)


def test_a_row_that_was_given_away_is_not_kept(redirects):
    """Else two pages would be in memory when the next one comes."""
    rows = by_key(Redirect.objects.all(), size=3)
    met = [weakref.ref(next(rows)), weakref.ref(next(rows))]
    next(rows)
    gc.collect()
    assert [ref() for ref in met] == [None, None]


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
