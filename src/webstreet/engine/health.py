"""``/-/live``, ``/-/ready``, ``/-/facts`` and ``/-/metrics``, answered before anything else, by any host name, without a session.

None but the metrics asks an atom's database, and those go on without it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.core.cache import caches
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.utils.crypto import constant_time_compare

from webstreet import __version__
from webstreet.contract import CONTRACT_VERSION, health
from webstreet.contract.base import Document
from webstreet.contract.proxies import is_loopback, within
from webstreet.engine import hooks
from webstreet.engine.away import is_away, is_full
from webstreet.engine.network import client_ip
from webstreet.engine.routers import home

STARTED_AT = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
ROOM_BYTES = 8_000_000
"""Less than that and the next uploaded picture may not fit."""
_migrated = threading.Event()


class Health:
    """The middleware. Before the check of the host name, because an orchestrator asks by address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith("/-/") or request.method not in ("GET", "HEAD"):
            return self.get_response(request)
        if request.path == health.LIVE_PATH:
            return _answer(health.Live())
        if request.path == health.READY_PATH:
            found = ready()
            return _answer(found, 200 if found.status == "ready" else 503)
        if request.path == health.FACTS_PATH:
            return _answer(facts()) if _is_neighbour(request) else HttpResponseNotFound()
        if request.path == health.METRICS_PATH:
            return _metrics() if _is_neighbour(request) or _has_token(request) else HttpResponseNotFound()
        return self.get_response(request)


def ready() -> health.Ready:
    """Look at every part. An atom's own database is shown but not needed: the rest of the site serves without it."""
    parts = [_database("default"), _migrations()]
    parts += [_database(atom) for atom in sorted(settings.WEBSTREET_SENSITIVE)]
    if settings.WEBSTREET_ENVIRONMENT.redis_url:
        parts.append(_cache())
    parts.append(_disk())
    if parts[0].ok:
        parts += [part for found in hooks.call("ready_parts") for part in found]
    good = all(part.ok for part in parts if part.needed)
    return health.Ready(
        status="ready" if good else "not ready",
        release=__version__,
        generation=settings.WEBSTREET_ENVIRONMENT.generation,
        parts=parts,
    )


def facts() -> health.Facts:
    environment = settings.WEBSTREET_ENVIRONMENT
    return health.Facts(
        client=environment.manifest.client,
        site=environment.manifest.site,
        release=__version__,
        contract=CONTRACT_VERSION,
        generation=environment.generation,
        manifest_digest=environment.manifest_digest,
        image_digest=environment.image_digest,
        started_at=STARTED_AT,
        atoms=list(environment.manifest.atoms),
        databases={alias: _kind(alias) for alias in connections},
    )


def _metrics() -> HttpResponse:
    from webstreet.engine.metrics import exposition

    response = HttpResponse(exposition.text(), content_type=exposition.CONTENT_TYPE)
    response["Cache-Control"] = "no-store"
    return response


def _has_token(request: HttpRequest) -> bool:
    """A Prometheus that is no neighbour shows METRICS_TOKEN (RFC 6750)."""
    token: str = settings.WEBSTREET_ENVIRONMENT.metrics_token.reveal()
    return bool(token) and constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {token}")


def _is_neighbour(request: HttpRequest) -> bool:
    """Who asks must be a neighbour, not only who passes it on: a proxy on this machine passes on the whole world."""
    if getattr(request, "forwarded_by_stranger", False):
        return False
    asks = client_ip(request)
    return is_loopback(asks) or within(asks, settings.WEBSTREET_TRUSTED_PROXIES)


def _kind(alias: str) -> str:
    """sqlite, postgresql, mariadb or mysql; which of the last two, only the server itself can say."""
    connection = connections[alias]
    if connection.vendor != "mysql":
        return str(connection.vendor)
    try:
        return "mariadb" if connection.mysql_is_mariadb else "mysql"
    except DatabaseError:
        return "mysql"


def _answer(document: Document, status: int = 200) -> HttpResponse:
    response = HttpResponse(document.model_dump_json(), status=status, content_type="application/json")
    response["Cache-Control"] = "no-store"
    return response


def _database(alias: str) -> health.Part:
    name, needed = ("database", True) if alias == "default" else (f"{alias} database", False)
    began = time.monotonic()
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception as error:  # noqa: BLE001 whatever a driver raises, the answer is "not ok"
        note = f"{_away(error)}; {'pages that need it answer 503' if not needed else 'nothing can be read or saved'}"
        return health.Part(name=name, ok=False, needed=needed, note=note)
    return health.Part(name=name, ok=True, needed=needed, note=f"{(time.monotonic() - began) * 1000:.0f} ms")


def _migrations() -> health.Part:
    """Looked at until they are complete, then believed: nothing takes migrations away under a running process."""
    if not _migrated.is_set():
        try:
            executor = MigrationExecutor(connections["default"])
            leaves = [n for n in executor.loader.graph.leaf_nodes() if home(n[0]) == "default"]
            if executor.migration_plan(leaves):
                return health.Part(name="migrations", ok=False, note="run prepare")
        except Exception as error:  # noqa: BLE001 as above
            return health.Part(name="migrations", ok=False, note=type(error).__name__)
        _migrated.set()
    return health.Part(name="migrations", ok=True)


def _cache() -> health.Part:
    good = caches["default"].answers()
    note = "" if good else "Redis does not answer; the site is slower and background work waits"
    return health.Part(name="cache", ok=good, needed=False, note=note)


def _away(error: Exception) -> str:
    """In words, and without the driver's: they name host and user."""
    if is_full(error):
        return "has no room left"
    return "does not answer" if is_away(error) else f"cannot be used ({type(error).__name__})"


def _disk() -> health.Part:
    """Whether there is room where the site keeps files. Full, it still shows what it has."""
    environment = settings.WEBSTREET_ENVIRONMENT
    left = []
    for folder in {environment.data_dir, Path(settings.MEDIA_ROOT)}:
        with contextlib.suppress(OSError):
            found = os.statvfs(folder)
            left.append(found.f_bavail * found.f_frsize)
    if not left or min(left) >= ROOM_BYTES:
        return health.Part(name="disk", ok=True, needed=False)
    note = f"{min(left) / 1_000_000:.0f} MB left; what is there is shown, but hardly anything can be saved"
    return health.Part(name="disk", ok=False, needed=False, note=note)
