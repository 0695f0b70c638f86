"""The WSGI application of a site: the page cache, and Django behind it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from webstreet import __version__
from webstreet.engine import pagecache
from webstreet.engine.metrics.traffic import traffic
from webstreet.engine.pagecache.entry import NAME, STORED, Entry, StartResponse
from webstreet.engine.pagecache.journal import State, reader
from webstreet.engine.pagecache.policy import Policy, is_for_everybody
from webstreet.engine.pagecache.store import Shared, Store

_KEPT_TAGS = "_page_cache_tags"
_MISS = ("Cache-Status", f"{NAME}; fwd=miss")
_BYPASS = ("Cache-Status", f"{NAME}; fwd=bypass")
_OF_ONE_READER = ("HTTP_ACCEPT_ENCODING", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_RANGE")

store = Store()


class SiteApplication(WSGIHandler):
    """Answers from `store` where it may; otherwise asks Django and keeps what is for everybody."""

    def __init__(self) -> None:
        super().__init__()
        environment = settings.WEBSTREET_ENVIRONMENT
        made_by = f"{__version__} {environment.manifest_digest} {environment.image_digest} {environment.generation}"
        self._policy = Policy()
        self._shared = Shared(made_by) if environment.redis_url else None

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        began, told = time.perf_counter(), ""

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            nonlocal told
            told = status
            return start_response(status, headers)

        key = self._policy.key_of(environ)
        if key is None:
            result, answer = "bypass", self._from_django(environ, start, _BYPASS)
        else:
            result, answer = self._cached(key, environ, start)
        traffic.count(environ["REQUEST_METHOD"], told, result, time.perf_counter() - began)
        return answer

    def _cached(self, key: str, environ: dict[str, Any], start: StartResponse) -> tuple[str, Iterable[bytes]]:
        # Before anything is read for the page: see the package's invariants.
        state = reader.current()
        if state is None:
            return "bypass", self._from_django(environ, start, _BYPASS)
        entry = store.get(key, state) or self._from_shared(key, state)
        if entry is not None:
            return "hit", entry.answer(environ, start)
        if environ["REQUEST_METHOD"] == "HEAD":
            return "miss", self._from_django(environ, start, _MISS)
        return "miss", self._made_anew(key, state, environ, start)

    def _from_shared(self, key: str, state: State) -> Entry | None:
        entry = self._shared.get(key, state) if self._shared is not None else None
        if entry is not None:
            store.put(key, entry)
        return entry

    def _made_anew(self, key: str, state: State, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        asked = dict(environ)
        for name in _OF_ONE_READER:
            environ.pop(name, None)
        environ["QUERY_STRING"] = key.rpartition("?")[2]
        caught: list[tuple[str, list[tuple[str, str]]]] = []
        response: Any = super().__call__(environ, lambda status, headers, _=None: caught.append((status, headers)))
        tags: frozenset[str] | None = getattr(response, _KEPT_TAGS, None)
        if tags is None or "HTTP_COOKIE" in environ:
            status, headers = caught[0]
            start(status, [*headers, _MISS])
            return response  # type: ignore[no-any-return]
        try:
            entry = Entry.of(response, tags, state)
            store.put(key, entry)
            if self._shared is not None:
                self._shared.put(key, entry)
        finally:
            response.close()
        return entry.answer(asked, start, STORED)

    def _from_django(self, environ: dict[str, Any], start: StartResponse, mark: tuple[str, str]) -> Iterable[bytes]:
        def marked(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            return start(status, [*headers, mark])

        return super().__call__(environ, marked)  # type: ignore[no-any-return]

    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        """Django's, which notes on the answer what it shows if it is for everybody: outside of all middleware, so that it sees every
        cookie and header."""
        response: HttpResponseBase = super().get_response(request)
        if is_for_everybody(request, response):
            setattr(response, _KEPT_TAGS, pagecache.tags_of(request))
        return response
