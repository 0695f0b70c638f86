"""The cache on Redis, when no Redis answers: everything is a miss, nothing breaks the page."""

from __future__ import annotations

import pytest

from webstreet.engine.caching import ForgivingRedisCache

NOBODY = "redis://127.0.0.1:9/0"


@pytest.fixture
def cache():
    """Each test meets it before and after it noticed that Redis is away."""
    made = type("Own", (ForgivingRedisCache,), {})(NOBODY, {"OPTIONS": {"socket_connect_timeout": 1}})
    yield made
    made.close()


@pytest.mark.parametrize("noticed", [False, True])
def test_a_redis_that_is_away_is_an_empty_cache(cache, noticed):
    if noticed:
        cache.get("first")
    assert cache.get("a", "otherwise") == "otherwise"
    assert cache.get_many(["a", "b"]) == {}
    assert cache.set("a", 1) is None
    assert cache.add("a", 1)
    assert not cache.delete("a")
    assert not cache.has_key("a")
    assert not cache.answers()


@pytest.mark.parametrize("noticed", [False, True])
def test_counting_says_that_there_is_nothing_to_count(cache, noticed):
    if noticed:
        cache.get("first")
    for count in (cache.incr, cache.decr):
        with pytest.raises(ValueError, match="'a'"):
            count("a")
