"""Pages that processes share through a real Redis: taken from there, never believed when they are old, and missed by nobody."""

from __future__ import annotations

import time

import pytest
import redis
from django.http import HttpResponse

from webstreet.engine.caching import ForgivingRedisCache
from webstreet.engine.pagecache import store as stores
from webstreet.engine.pagecache.entry import LIFETIME_S, Entry
from webstreet.engine.pagecache.journal import State

NOW = State((1, 1), 0.0, {"site": 1})
LATER = State((2, 3), 0.0, {"site": 3})


@pytest.fixture
def cache(redis_url, monkeypatch):
    made = type("Own", (ForgivingRedisCache,), {})(redis_url, {"KEY_PREFIX": "site"})
    monkeypatch.setattr(stores, "caches", {"default": made})
    yield made
    made.close()


@pytest.fixture
def entry():
    response = HttpResponse("words " * 200)
    response["Content-Language"] = "en"
    return Entry.of(response, {"site"}, NOW)


def test_what_one_process_made_another_gives(cache, entry):
    stores.Shared("release").put("key", entry)
    found = stores.Shared("release").get("key", NOW)
    assert found is not None
    assert (found.body, found.packed, found.plain, found.etag) == (entry.body, entry.packed, entry.plain, entry.etag)
    assert found.dies_at <= time.monotonic() + LIFETIME_S


def test_another_release_does_not_get_it(cache, entry):
    stores.Shared("release").put("key", entry)
    assert stores.Shared("other release").get("key", NOW) is None


@pytest.mark.requirement("P6")
def test_what_has_changed_since_is_not_believed(cache, entry):
    shared = stores.Shared("release")
    shared.put("key", entry)
    assert shared.get("key", LATER) is None
    entry.until = time.time() - 1
    shared.put("key", entry)
    assert shared.get("key", NOW) is None


def test_it_grows_old_by_when_it_was_made(cache, entry, monkeypatch):
    shared = stores.Shared("release")
    shared.put("key", entry)
    clock = stores.time.time
    monkeypatch.setattr(stores.time, "time", lambda: clock() + LIFETIME_S + 1)
    assert shared.get("key", NOW) is None
    # A clock that was set back must not make it live longer.
    monkeypatch.setattr(stores.time, "time", lambda: clock() - 10)
    assert shared.get("key", NOW) is None


@pytest.mark.requirement("P6")
def test_an_emptied_redis_costs_a_page_and_brings_nothing_back(cache, entry, redis_url):
    shared = stores.Shared("release")
    shared.put("key", entry)
    redis.Redis.from_url(redis_url).flushall()
    assert shared.get("key", NOW) is None
    shared.put("key", entry)
    assert shared.get("key", LATER) is None


def test_a_redis_that_is_away_is_an_empty_one(entry, monkeypatch):
    away = type("Own", (ForgivingRedisCache,), {})("redis://127.0.0.1:9/0", {"OPTIONS": {"socket_connect_timeout": 1}})
    monkeypatch.setattr(stores, "caches", {"default": away})
    shared = stores.Shared("release")
    shared.put("key", entry)
    assert shared.get("key", NOW) is None
    away.close()
