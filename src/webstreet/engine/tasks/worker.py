"""The worker: one thread, the next task or tick, again.

Interactive tasks go strictly before bulk ones. A queue whose atom's database is away is passed over until the breaker lets
somebody try again. SIGTERM lets the current step end.
"""

from __future__ import annotations

import gc
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.urls import get_resolver
from django.utils import timezone

from webstreet.engine import addresses
from webstreet.engine.backends import patience
from webstreet.engine.backends.breaker import breakers
from webstreet.engine.tasks import Tick, answering, atom_of, every, set_back, ticks
from webstreet.engine.tasks.heartbeat import WorkerSeen, own_name

logger = logging.getLogger(__name__)
PAUSE_AFTER_ERROR_S = 1.0
TURN_S = 0.0002
"""How long one thread may compute while another wants to: with Python's 5 ms a mail server stands still while a batch is prepared."""
GARBAGE_AFTER = 20_000
"""Objects that are made before Python looks for garbage among them: a batch of mails is thousands, all in use, and none of them garbage."""
JUST_AFTER_S = 0.01
"""A moment is over only after it: whoever asks "is it due" exactly then may hear no."""


class Source(Protocol):
    """Where tasks come from: one implementation for each task backend."""

    def open(self) -> None:
        """Called once before work; may be called again after an error."""

    def take(self, queues: list[str]) -> Callable[[], None] | None:
        """Claim the next task of ``queues``, the first queue first; what is returned runs it and notes how it ended."""

    def has_more(self, queues: list[str]) -> bool:
        """Whether `take` would give something."""

    def wait(self, stop: threading.Event, seconds: float) -> None:
        """Return when there may be something to take, when ``stop`` is set, or after ``seconds``."""

    def sweep(self) -> int:
        """Give back what dead workers were doing; how many tasks."""

    def close(self) -> None:
        """Called once at the end."""


def source(name: str = "") -> Source:
    """The source of this site's task backend for the worker ``name`` (default: this process)."""
    name = name or own_name()
    if settings.WEBSTREET_ENVIRONMENT.redis_url:
        from webstreet.engine.tasks.rq import RqSource

        return RqSource(name)
    from webstreet.engine.tasks.database import DatabaseSource

    return DatabaseSource(name)


def open_queues() -> list[str]:
    """The queues to serve now, in their order."""
    return [q for q in settings.WORK_QUEUES if not (atom_of(q) and breakers.is_open(atom_of(q)))]


class Worker:
    """Runs tasks and ticks until it is told to stop."""

    def __init__(self, tasks_from: Source, stop: threading.Event | None = None) -> None:
        self.source = tasks_from
        self.stop = stop or threading.Event()
        self._due: dict[str, float] = {}
        self._ahead = time.time() - time.monotonic()

    def run(self) -> None:
        """Until `stop` is set. An error of the database or of Redis is logged and waited out, never the end."""
        opened = False
        while not self.stop.is_set():
            try:
                if not opened:
                    beat()
                    self.source.open()
                    opened = True
                    logger.info("worker.started")
                    # The first mail would else wait for what is loaded to write its links: a quarter of a second.
                    get_resolver(addresses.FOR_READERS).url_patterns  # noqa: B018 loaded by being asked for
                if not self.step():
                    self.source.wait(self.stop, self._until_next_tick())
            except Exception:
                logger.exception("worker.interrupted")
                close_old_connections()
                self.stop.wait(PAUSE_AFTER_ERROR_S)
        try:
            self.source.close()
        except Exception:  # noqa: BLE001 nothing is lost when a dead Redis is not told goodbye
            logger.warning("worker.left_in_silence")
        logger.info("worker.stopped")

    def step(self) -> bool:
        """One due tick or one task; whether there was one."""
        self._look_at_clock()
        if self._tick():
            return True
        run = self.source.take(open_queues())
        if run is None:
            return False
        try:
            with answering(self._has_nothing_else):
                run()
        finally:
            close_old_connections()
        return True

    def _look_ahead(self) -> None:
        """Ticks that have a moment of their own are due then. What was once known stays: a long task may run past it."""
        for name, tick in list(ticks.items()):
            moment = tick.at() if tick.at is not None else None
            if moment is not None:
                due = time.monotonic() + moment - time.time() + JUST_AFTER_S
                self._due[name] = min(due, self._due.get(name, 0.0))

    def _look_at_clock(self) -> None:
        """When somebody set the system's clock every tick is due, and `beat` the first of what matters."""
        ahead = time.time() - time.monotonic()
        if abs(ahead - self._ahead) > set_back.SLACK.total_seconds():
            logger.warning("worker.clock_was_set", extra={"seconds": round(ahead - self._ahead)})
            self._due.clear()
        self._ahead = ahead

    def _tick(self) -> bool:
        tick = self._next_tick()
        if tick is None:
            return False
        self._due[tick.name] = time.monotonic() + tick.seconds
        try:
            tick.run()
        except Exception:
            logger.exception("tick.failed", extra={"tick": tick.name})
        close_old_connections()
        return True

    def _next_tick(self) -> Tick | None:
        """The first that is due."""
        self._look_ahead()
        now = time.monotonic()
        return next((tick for name, tick in list(ticks.items()) if self._due.get(name, 0.0) <= now), None)

    def _has_nothing_else(self) -> bool:
        """See `engine.tasks.nothing_else_to_do`."""
        try:
            return not (self.stop.is_set() or self._next_tick() or self.source.has_more(open_queues()))
        except Exception:  # noqa: BLE001 a queue that does not answer is waited for between two tasks, not in one
            return False

    def _until_next_tick(self) -> float:
        return max(0.01, min([5.0, *(due - time.monotonic() for due in self._due.values())]))


@every(10)
def beat() -> None:
    """Show that this worker lives."""
    now = timezone.now()
    from_the_future = WorkerSeen.of_this_machine().filter(seen_at__gt=now + set_back.SLACK)
    if from_the_future.exists() and not set_back.bring_to(now):
        return
    WorkerSeen.objects.update_or_create(name=own_name(), defaults={"seen_at": now})


@every(5)
def sweep() -> None:
    """Find what dead workers left."""
    found = source().sweep()
    if found:
        logger.warning("worker.swept", extra={"count": found})


def work() -> int:
    """Run until SIGTERM or SIGINT; the exit code."""
    worker = Worker(source())

    def end(signum: int, frame: Any) -> None:
        worker.stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    sys.setswitchinterval(TURN_S)
    gc.set_threshold(GARBAGE_AFTER)
    patience.limit()
    worker.run()
    try:
        WorkerSeen.objects.filter(name=own_name()).delete()
    except DatabaseError:
        logger.warning("worker.row_left")  # it is forgotten after a day
    return 0


def drain(limit: int = 1000) -> int:
    """Run what is in the queues, in order, until they are empty; how many tasks. For tests and one-off commands."""
    tasks_from = source()
    tasks_from.open()
    try:
        for done in range(limit):
            run = tasks_from.take(open_queues())
            if run is None:
                return done
            run()
        return limit
    finally:
        tasks_from.close()
