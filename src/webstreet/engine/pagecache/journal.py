"""Which content changed when: rows that are only ever added, read by every process of the site.

A row is written in the transaction of the change, so it is seen exactly when the change is. Rows of two transactions may appear in
another order than their ids: a tag's `State.tokens` therefore sums up all of its rows and does not look for the largest.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from django.db import Error, connection, models, transaction
from django.utils import timezone

from webstreet.engine.pagecache import TAG_MAX, schedule

logger = logging.getLogger(__name__)
LOOK_EVERY_S = 0.4
PATIENCE_S = 0.5
"""How long an answer waits for another thread that looks; then the database counts as away."""
AWAY_S = 1.0
KEEP = dt.timedelta(days=1)
KEEP_ROWS = 1000
_LOOK = "SELECT COUNT(*), COALESCE(SUM(id), 0) FROM engine_expired"


class Expired(models.Model):
    """Pages with this tag that were made before this row could be seen are worthless."""

    tag = models.CharField(max_length=TAG_MAX)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        app_label = "engine"

    wagtail_reference_index_ignore = True

    def __str__(self) -> str:
        return self.tag


@dataclass(frozen=True, slots=True)
class State:
    """What one look at the journal found.

    Attributes:
        mark: number and sum of all rows' ids: differs whenever the rows differ.
        tokens: tag -> sum of its rows' ids; a tag without rows is 0.
        moment: the next scheduled publication or expiry after ``looked_at``; both in seconds since the epoch.
    """

    mark: tuple[int, int]
    looked_at: float
    tokens: Mapping[str, int] = field(default_factory=dict)
    moment: float | None = None

    def token(self, tag: str) -> int:
        return self.tokens.get(tag, 0)


class _Noted:
    """Stands in the transaction's list of what to do on commit, and leaves it when that part of the transaction is rolled back."""

    def __init__(self, tag: str) -> None:
        self.tag = tag

    def __call__(self) -> None:
        reader.look_soon()


def note(tags: Iterable[str]) -> None:
    """Add rows, each tag once a transaction."""
    for tag in sorted(set(tags)):
        if any(isinstance(found, _Noted) and found.tag == tag for _, found, *_ in connection.run_on_commit):
            continue
        Expired.objects.create(tag=tag[:TAG_MAX])
        transaction.on_commit(_Noted(tag))


def forget_old() -> int:
    """Remove rows that no kept page can be older than; how many. The newest stay, lest a clock that jumps takes unread ones away."""
    edge = Expired.objects.order_by("-pk").values_list("pk", flat=True)[KEEP_ROWS : KEEP_ROWS + 1].first()
    if edge is None:
        return 0
    return int(Expired.objects.filter(pk__lte=edge, at__lt=timezone.now() - KEEP).delete()[0])


class Reader:
    """This process's newest `State`. Asked by many threads; one of them looks, at most every `LOOK_EVERY_S`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state: State | None = None
        self._next_look = 0.0

    def look_soon(self) -> None:
        self._next_look = 0.0

    def forget(self) -> None:
        """For tests: as in a new process."""
        self._state, self._next_look = None, 0.0

    def current(self) -> State | None:
        """At most a second old while the database answers; the last one known when it does not; None when there was never one.

        A database that is away is told nothing by editors either, so what was known last still holds.
        """
        state = self._state
        if time.monotonic() < self._next_look and not _passed(state):
            return state
        if not self._lock.acquire(timeout=PATIENCE_S):
            return self._state
        try:
            if time.monotonic() >= self._next_look or _passed(self._state):
                began = time.monotonic()
                self._state = self._look(self._state)
                self._next_look = began + LOOK_EVERY_S
        except Error as error:
            self._next_look = time.monotonic() + AWAY_S
            _unless_in_transaction(connection.close)
            logger.warning("page_cache.journal_away", extra={"error": type(error).__name__})
        finally:
            self._lock.release()
        return self._state

    @staticmethod
    def _look(before: State | None) -> State:
        _unless_in_transaction(connection.close_if_unusable_or_obsolete)
        now = time.time()
        with connection.cursor() as cursor:
            cursor.execute(_LOOK)
            count, total = cursor.fetchone()
        mark = (int(count), int(total))
        if before is not None and before.mark == mark and not _passed(before):
            return before
        tokens: dict[str, int] = {}
        for pk, tag in Expired.objects.values_list("pk", "tag"):
            tokens[tag] = tokens.get(tag, 0) + pk
        return State(mark, now, tokens, schedule.next_moment(now))


def _unless_in_transaction(close: Callable[[], None]) -> None:
    """Between requests a connection is closed when it is broken or old; never under somebody's hands."""
    if not connection.in_atomic_block:
        close()


def _passed(state: State | None) -> bool:
    return state is not None and state.moment is not None and state.moment <= time.time()


reader = Reader()
