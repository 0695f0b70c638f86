"""Where the buckets of `webstreet.mail.buckets` are: in Redis when the site has one and keeps its newsletter, else beside the ledger.

In Redis a bucket has no name that says anything about a person: a provider's, or a keyed hash.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import math
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connections

from webstreet.atoms.newsletter.models.base import APP, alias, atomic
from webstreet.atoms.newsletter.models.limits import Bucket
from webstreet.mail.buckets import Buckets, Grant, Level, Want, given_back, taken

logger = logging.getLogger(__name__)
FORGOTTEN_AFTER_S = 2 * 86_400
"""A bucket that nobody took from for so long is full again, whatever its limit."""
AWAY_S = 30.0
"""How long a Redis that did not answer is not asked."""
_CLOCKS = {
    "postgresql": "SELECT EXTRACT(EPOCH FROM clock_timestamp())",
    "mysql": "SELECT UNIX_TIMESTAMP(SYSDATE(6))",
}
"""SQLite's clock is that of the machine."""


def buckets() -> Buckets:
    """Those of this site. A newsletter whose data is at the client's leaves no trace in the hoster's Redis."""
    url = settings.WEBSTREET_ENVIRONMENT.redis_url
    if url and APP not in settings.WEBSTREET_SENSITIVE:
        return _in_redis(url, str(settings.WEBSTREET_SITE.id))
    return DatabaseBuckets()


@lru_cache(maxsize=4)
def _in_redis(url: str, site: str) -> Buckets:
    return OrElse(RedisBuckets(url, prefix=f"{site}:limit:"), DatabaseBuckets())


def hidden(name: str) -> str:
    """A name that does not say what it stands for, and that only this site's key leads to."""
    return hmac.new(settings.SECRET_KEY.encode(), f"newsletter:bucket:{name}".encode(), hashlib.sha256).hexdigest()[:24]


class DatabaseBuckets:
    """One row a bucket, locked in the order of their names."""

    def take(self, wants: Mapping[str, Want]) -> dict[str, Grant]:
        if not wants:
            return {}
        names = sorted(wants)
        while True:
            with atomic():
                rows = self._locked(names)
                if len(rows) == len(names):
                    now = self._now()
                    found = {name: taken(Level(rows[name].spent, rows[name].at), wants[name], now) for name in names}
                    self._write({name: level for name, (level, _) in found.items()})
                    return {name: grant for name, (_, grant) in found.items()}
            # Outside: whoever makes the same ones at this moment is not waited for with locks in the hand.
            Bucket.objects.bulk_create([Bucket(name=n) for n in names if n not in rows], ignore_conflicts=True)

    def give_back(self, counts: Mapping[str, int]) -> None:
        names = sorted(name for name, count in counts.items() if count > 0)
        if not names:
            return
        with atomic():
            rows = self._locked(names)
            self._write({n: given_back(Level(row.spent, row.at), counts[n]) for n, row in rows.items()})

    def _locked(self, names: list[str]) -> dict[str, Bucket]:
        rows = Bucket.objects.select_for_update().filter(name__in=names).order_by("name")
        return {row.name: row for row in rows}

    def _write(self, levels: Mapping[str, Level]) -> None:
        if len(levels) == 1:
            ((name, level),) = levels.items()
            Bucket.objects.filter(name=name).update(spent=level.spent, at=level.at)
        elif levels:
            rows = [Bucket(name=name, spent=level.spent, at=level.at) for name, level in levels.items()]
            Bucket.objects.bulk_update(rows, ["spent", "at"])

    def _now(self) -> float:
        connection = connections[alias()]
        if connection.vendor not in _CLOCKS:
            return time.time()
        with connection.cursor() as cursor:
            cursor.execute(_CLOCKS[connection.vendor])
            return float(cursor.fetchone()[0])


class RedisBuckets:
    """One value a bucket. What was read is watched: when another worker changed it in between, it is read again.

    So the rule is written down once, in `webstreet.mail.buckets`, and not a second time in Lua.
    """

    def __init__(self, url: str, *, prefix: str) -> None:
        from redis import Redis  # here: 4 MB, which a site without Redis can do without

        self._redis = Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1)
        self._prefix = prefix

    def take(self, wants: Mapping[str, Want]) -> dict[str, Grant]:
        grants: dict[str, Grant] = {}

        def change(name: str, level: Level, now: float) -> Level:
            after, grants[name] = taken(level, wants[name], now)
            return after

        self._change(list(wants), change)
        return grants

    def give_back(self, counts: Mapping[str, int]) -> None:
        def change(name: str, level: Level, now: float) -> Level:
            return given_back(level, counts[name])

        self._change([name for name, count in counts.items() if count > 0], change)

    def _change(self, names: list[str], change: Callable[[str, Level, float], Level]) -> None:
        """Write what ``change`` makes of each bucket, all at one moment of Redis' clock."""
        keys = {name: self._prefix + name for name in names}

        def once(pipe: Any) -> None:
            seconds, micro = pipe.time()
            found = {name: _level(pipe.get(key)) for name, key in keys.items()}
            after = {name: change(name, level, seconds + micro / 1e6) for name, level in found.items()}
            pipe.multi()
            for name, level in after.items():
                pipe.set(keys[name], f"{level.spent!r} {level.at!r}", ex=FORGOTTEN_AFTER_S)

        if names:
            self._redis.transaction(once, *keys.values())


def _level(kept: bytes | None) -> Level:
    return Level(*map(float, kept.split())) if kept else Level()


def _silence() -> tuple[type[Exception], ...]:
    """What a Redis that is away raises."""
    from redis import RedisError  # here: asked for only when something was raised

    return RedisError, OSError


class OrElse:
    """The second while the first does not answer: a Redis that is away must not stop an issue, nor lift its limits.

    And for `AWAY_S` after: to go to and fro between two, each of which has all of a limit, would double it for as long as Redis answers
    now and then. Workers of which only some reach Redis have it double all the same.
    """

    def __init__(self, first: Buckets, second: Buckets) -> None:
        self._first, self._second = first, second
        self._away_until = -math.inf

    def take(self, wants: Mapping[str, Want]) -> dict[str, Grant]:
        if self._answers:
            try:
                return self._first.take(wants)
            except _silence():
                self._leave_out()
        return self._second.take(wants)

    def give_back(self, counts: Mapping[str, int]) -> None:
        if not self._answers:
            return self._second.give_back(counts)
        try:
            self._first.give_back(counts)
        except _silence():
            self._leave_out()

    @property
    def _answers(self) -> bool:
        return time.monotonic() >= self._away_until

    def _leave_out(self) -> None:
        self._away_until = time.monotonic() + AWAY_S
        logger.warning("limits.redis_away")
