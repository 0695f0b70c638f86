"""The engine's own figures, looked up when they are asked for."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.conf import settings
from django.db.models import Count, Max
from django.utils import timezone

from webstreet import __version__
from webstreet.contract import CONTRACT_VERSION
from webstreet.engine.backends.breaker import breakers
from webstreet.engine.metrics import Figure
from webstreet.engine.pagecache import journal
from webstreet.engine.pagecache.front import store
from webstreet.engine.tasks import BACKEND
from webstreet.engine.tasks.heartbeat import WorkerSeen

LIVING_S = 60.0
"""A worker shows itself every ten seconds."""


def site() -> list[Figure]:
    environment = settings.WEBSTREET_ENVIRONMENT
    values = (__version__, str(CONTRACT_VERSION), environment.manifest.client, environment.manifest.site)
    labels = ("release", "contract", "client", "site")
    return [Figure("site_info", "What runs here; always 1.", {values: 1}, labels)]


def page_cache() -> list[Figure]:
    state = journal.reader.current()
    found = [
        Figure("page_cache_entries", "Pages kept in this process.", {(): len(store)}),
        Figure("page_cache_bytes", "What they take.", {(): store.bytes}),
        Figure("page_cache_limit_bytes", "What they may take.", {(): store.max_bytes}),
    ]
    if state is not None and state.moment is not None:
        doc = "When an editor's schedule changes pages next, in seconds since the epoch."
        found.append(Figure("next_scheduled_timestamp_seconds", doc, {(): state.moment}))
    return found


def databases() -> list[Figure]:
    refusing: dict[tuple[str, ...], float] = {(alias,): float(breakers.is_open(alias)) for alias in settings.DATABASES}
    doc = "1 while connections to an atom's database are refused at once, because it did not answer a moment ago."
    return [Figure("database_refused", doc, refusing, ("database",))]


def tasks() -> list[Figure]:
    lengths = _lengths()
    waiting: dict[tuple[str, ...], float] = {(_plain(q),): float(lengths.get(q, 0)) for q in settings.WORK_QUEUES}
    return [Figure("tasks_waiting", "Tasks that no worker has begun.", waiting, ("queue",))]


def _plain(queue: str) -> str:
    return queue.removeprefix(settings.WEBSTREET_QUEUE_PREFIX)


def _lengths() -> dict[str, int]:
    if settings.WEBSTREET_ENVIRONMENT.redis_url:
        import django_rq

        return {name: int(django_rq.get_queue(name).count) for name in settings.WORK_QUEUES}
    from django_tasks_db.models import DBTaskResult

    ready = DBTaskResult.objects.ready().filter(backend_name=BACKEND)
    return dict(ready.order_by().values_list("queue_name").annotate(n=Count("pk")))


def workers() -> list[Figure]:
    now = timezone.now()
    living = sum(
        1 for at in WorkerSeen.objects.values_list("seen_at", flat=True) if (now - at).total_seconds() < LIVING_S
    )
    found = [Figure("workers", f"Workers that showed themselves in the last {LIVING_S:.0f} seconds.", {(): living})]
    last = WorkerSeen.objects.aggregate(last=Max("seen_at"))["last"]
    if last is not None:
        doc = "When a worker last showed itself, in seconds since the epoch."
        found.append(Figure("worker_last_seen_timestamp_seconds", doc, {(): last.timestamp()}))
        age = max(0.0, time.time() - last.timestamp())
        found.append(Figure("worker_silence_seconds", "How long ago that was.", {(): age}))
    return found


PARTS: dict[str, Callable[[], list[Figure]]] = {
    "site": site, "page cache": page_cache, "databases": databases, "tasks": tasks, "workers": workers,
}  # fmt: skip
