"""Where buckets are kept: one suite for the newsletter's database, on each of them, and for Redis; several workers take at once."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
import redis
from django.conf import settings
from django.db import connections

from webstreet.atoms.newsletter.buckets import DatabaseBuckets, OrElse, RedisBuckets, buckets
from webstreet.mail.buckets import Buckets, Limit, Want

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
SLOW = Limit(0.001, 40)
"""So slow that what comes free during a test is nothing."""


@pytest.fixture(params=["database", "redis"])
def store(request: pytest.FixtureRequest) -> Buckets:
    if request.param == "database":
        return DatabaseBuckets()
    return RedisBuckets(request.getfixturevalue("lab_redis").url, prefix=f"test-{os.getpid()}-{time.time_ns()}:")


def test_each_bucket_gives_what_it_has(store):
    first = store.take({"a": Want(SLOW, 30), "b": Want(Limit(0.001, 5), 30)})
    assert {name: grant.count for name, grant in first.items()} == {"a": 30, "b": 5}
    again = store.take({"a": Want(SLOW, 30), "b": Want(Limit(0.001, 5), 1), "c": Want(SLOW, 1)})
    assert {name: grant.count for name, grant in again.items()} == {"a": 10, "b": 0, "c": 1}
    assert again["b"].wait_s == pytest.approx(1000, abs=30)
    assert store.take({}) == {}


def test_what_was_not_used_goes_back_and_no_more_than_that(store):
    store.take({"a": Want(SLOW, 40)})
    store.give_back({"a": 7, "never taken from": 3, "nothing": 0})
    assert store.take({"a": Want(SLOW, 40)})["a"].count == 7
    store.give_back({"a": 1000})
    assert store.take({"a": Want(SLOW, 1000)})["a"].count == 40


def test_what_is_spent_comes_back_with_time(store):
    fast = Limit(200.0, 10)
    assert store.take({"a": Want(fast, 10)})["a"].count == 10
    deadline = time.monotonic() + 20
    while not store.take({"a": Want(fast, 1)})["a"].count:
        assert time.monotonic() < deadline


def test_who_is_forced_through_counts(store):
    assert store.take({"a": Want(SLOW, 100, force=True)})["a"].count == 100
    assert store.take({"a": Want(SLOW, 1)})["a"].count == 0


def test_several_at_once_never_get_more_than_there_is(store):
    """Each thread has a connection of its own; names in another order each time must lock nobody out."""
    got: list[int] = []
    errors: list[BaseException] = []

    def work(number: int) -> None:
        names = ["x", "y", f"own-{number}"]
        try:
            for turn in range(8):
                order = names if (number + turn) % 2 else names[::-1]
                grants = store.take({name: Want(SLOW, 3) for name in order})
                got.extend(grants[name].count for name in ("x", "y"))
        except BaseException as error:  # noqa: BLE001 shown below
            errors.append(error)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work, args=(number,)) for number in range(5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert errors == []
    assert sum(got) == 2 * SLOW.burst, "all of both, and not one more"


# -- Which one -------------------------------------------------------------------------------------------------------
@pytest.fixture
def site(settings, lab_redis) -> Callable[..., Buckets]:
    def choose(*, redis_url: str, sensitive: bool) -> Buckets:
        settings.WEBSTREET_ENVIRONMENT = replace(settings.WEBSTREET_ENVIRONMENT, redis_url=redis_url)
        settings.WEBSTREET_SENSITIVE = frozenset({"newsletter"} if sensitive else ())
        return buckets()

    return choose


@pytest.mark.requirement("P5")
def test_a_newsletter_at_the_clients_leaves_nothing_in_the_hosters_redis(site, lab_redis):
    assert isinstance(site(redis_url="", sensitive=False), DatabaseBuckets)
    assert isinstance(site(redis_url=lab_redis.url, sensitive=True), DatabaseBuckets)
    hosted = site(redis_url=lab_redis.url, sensitive=False)
    assert isinstance(hosted, OrElse)
    hosted.take({"to gmail": Want(SLOW, 1)})
    with redis.Redis.from_url(lab_redis.url) as server:
        assert server.exists(f"{settings.WEBSTREET_SITE.id}:limit:to gmail")
        server.delete(f"{settings.WEBSTREET_SITE.id}:limit:to gmail")


def test_without_redis_the_limit_holds_in_the_database():
    gone = OrElse(RedisBuckets("redis://127.0.0.1:1/0", prefix="x:"), DatabaseBuckets())
    assert gone.take({"a": Want(SLOW, 30)})["a"].count == 30
    assert gone.take({"a": Want(SLOW, 30)})["a"].count == 10
    gone.give_back({"a": 5})
    assert gone.take({"a": Want(SLOW, 30)})["a"].count == 5, "to where it was taken"


def test_a_redis_that_comes_and_goes_does_not_double_the_limit(lab_redis):
    store = OrElse(RedisBuckets("redis://127.0.0.1:1/0", prefix="x:"), DatabaseBuckets())
    assert store.take({"a": Want(SLOW, 30)})["a"].count == 30
    store._first = RedisBuckets(lab_redis.url, prefix=f"test-{os.getpid()}-{time.time_ns()}:")
    assert store.take({"a": Want(SLOW, 30)})["a"].count == 10, "it answers again, and is not asked yet"
    store._away_until = 0.0
    assert store.take({"a": Want(SLOW, 30)})["a"].count == 30
