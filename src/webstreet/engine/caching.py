"""A cache that may be missing: what is not there is computed again, so a Redis that is away must not take the site down."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)
REFUSE_S = 5.0


class ForgivingRedisCache(RedisCache):
    """Django's, but an error of Redis is a miss; after one, Redis is left alone for `REFUSE_S`.

    While Redis is away ``add`` says that the key was added, and ``incr`` raises ValueError as for an unknown key. So build no lock
    and no counter on this cache.
    """

    _until = 0.0
    _lock = threading.Lock()

    def _try(self, operation: Callable[[], Any], otherwise: Any) -> Any:
        if time.monotonic() < type(self)._until:
            return otherwise
        try:
            return operation()
        except (RedisError, OSError):
            with self._lock:
                type(self)._until = time.monotonic() + REFUSE_S
        logger.warning("cache.away")
        return otherwise

    def add(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(lambda: super(ForgivingRedisCache, self).add(*args, **kwargs), True)

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        return self._try(lambda: super(ForgivingRedisCache, self).get(key, default, version), default)

    def set(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(lambda: super(ForgivingRedisCache, self).set(*args, **kwargs), None)

    def touch(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(lambda: super(ForgivingRedisCache, self).touch(*args, **kwargs), False)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(lambda: super(ForgivingRedisCache, self).delete(*args, **kwargs), False)

    def get_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(lambda: super(ForgivingRedisCache, self).get_many(*args, **kwargs), {})

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        found: int | None = self._try(lambda: super(ForgivingRedisCache, self).incr(key, delta, version), None)
        if found is None:
            raise ValueError(f"Key '{key}' not found")
        return found

    def has_key(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(lambda: super(ForgivingRedisCache, self).has_key(*args, **kwargs), False)

    def set_many(self, data: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        return self._try(lambda: super(ForgivingRedisCache, self).set_many(data, *args, **kwargs), list(data))

    def delete_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(lambda: super(ForgivingRedisCache, self).delete_many(*args, **kwargs), None)

    def clear(self) -> Any:
        return self._try(super().clear, False)

    def answers(self) -> bool:
        """Whether Redis is there, asked now; for readiness."""
        try:
            self._cache.get_client().ping()
        except (RedisError, OSError):
            return False
        return True
