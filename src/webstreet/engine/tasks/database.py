"""Tasks from the rows of django_tasks_db.

Its own worker ignores the order of queues, polls once a second and leaves a killed worker's task RUNNING for ever.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable

from django.db import connection
from django.db.models import Q
from django.db.models.query import QuerySet
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult, get_date_max

from webstreet.engine.tasks import BACKEND, TaskFailed, TaskMustWait
from webstreet.engine.tasks.heartbeat import WorkerSeen, is_gone

logger = logging.getLogger(__name__)
POLL_SQLITE_S = 0.04
POLL_SERVER_S = 0.15
FULL_LOOK_S = 1.0
SILENT_AFTER = dt.timedelta(minutes=3)
ATTEMPTS = 5


class DatabaseSource:
    """Claims by a compare-and-set on the status, which every database does alike and without holding locks."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._ended: dict[object, dict[str, object]] = {}

    def open(self) -> None:
        """Nothing to prepare."""

    def close(self) -> None:
        """Nothing to give back."""

    def take(self, queues: list[str]) -> Callable[[], None] | None:
        self._note_ends()
        for queue in queues:
            row = self._claim(queue)
            if row is not None:
                return lambda: self._run(row)
        return None

    def has_more(self, queues: list[str]) -> bool:
        return _ready(queues).exists()

    def wait(self, stop: threading.Event, seconds: float) -> None:
        """Wait a moment; on SQLite, until another connection has written (PRAGMA data_version changes), so that a task starts at once.

        A database server has no such cheap sign: there `take` simply asks again.
        """
        if connection.vendor != "sqlite":
            stop.wait(min(seconds, POLL_SERVER_S))
            return
        before, end = self._data_version(), time.monotonic() + min(seconds, FULL_LOOK_S)
        while time.monotonic() < end and not stop.wait(POLL_SQLITE_S):
            if self._data_version() != before:
                return

    def sweep(self) -> int:
        """Make RUNNING tasks READY whose worker is dead; fail those that outlived `ATTEMPTS` workers."""
        seen = dict(WorkerSeen.objects.values_list("name", "seen_at"))
        count = 0
        for row in DBTaskResult.objects.running().filter(backend_name=BACKEND):
            worker = row.worker_ids[-1] if row.worker_ids else ""
            if not is_dead(worker, seen.get(worker)):
                continue
            same = DBTaskResult.objects.filter(pk=row.pk, status=TaskResultStatus.RUNNING, started_at=row.started_at)
            if len(row.worker_ids) >= ATTEMPTS:
                same.update(**_failed(TaskFailed(f"{row.task_path}: {ATTEMPTS} workers died while they ran it")))
            else:
                count += same.update(status=TaskResultStatus.READY, started_at=None)
        WorkerSeen.objects.filter(seen_at__lt=timezone.now() - dt.timedelta(days=1)).delete()
        return count

    def _claim(self, queue: str) -> DBTaskResult | None:
        for row in _ready([queue]).order_by("-priority", "enqueued_at")[:5]:
            values = {
                "status": TaskResultStatus.RUNNING,
                "started_at": timezone.now(),
                "worker_ids": [*row.worker_ids, self.name],
            }
            if DBTaskResult.objects.filter(pk=row.pk, status=TaskResultStatus.READY).update(**values):
                return row
        return None

    def _run(self, row: DBTaskResult) -> None:
        """Run a claimed task and note how it ended. Only what our decorator made is stored: no foreign text."""
        values: dict[str, object] = {"status": TaskResultStatus.READY, "started_at": None, "worker_ids": row.worker_ids}
        must_wait: TaskMustWait | None = None
        try:
            row.task.call(*row.args_kwargs["args"], **row.args_kwargs["kwargs"])
        except TaskMustWait as error:
            must_wait = error
        except TaskFailed as error:
            values = _failed(error)
        except Exception as error:
            logger.exception("task.cannot_run", extra={"task": row.task_path})
            values = _failed(TaskFailed(f"{row.task_path}: {type(error).__name__}"))
        else:
            values = {
                "status": TaskResultStatus.SUCCESSFUL,
                "finished_at": timezone.now(),
                "exception_class_path": "",
                "traceback": "",
            }
        self._ended[row.pk] = values
        self._note_ends()
        if must_wait is not None and must_wait.of_site:
            raise must_wait

    def _note_ends(self) -> None:
        """Write down how tasks ended; one whose row cannot be reached now is noted later, or it would be RUNNING as long as we live."""
        for pk, values in list(self._ended.items()):
            DBTaskResult.objects.filter(pk=pk, status=TaskResultStatus.RUNNING).update(**values)
            del self._ended[pk]

    def _data_version(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA data_version")
            return int(cursor.fetchone()[0])


def _ready(queues: list[str]) -> QuerySet[DBTaskResult]:
    due = Q(run_after=get_date_max()) | Q(run_after__lte=timezone.now())
    return DBTaskResult.objects.filter(due, status=TaskResultStatus.READY, queue_name__in=queues, backend_name=BACKEND)


def is_dead(worker: str, seen_at: dt.datetime | None) -> bool:
    """A worker that ran here and is no more, or one elsewhere that has been silent for long."""
    return is_gone(worker) or seen_at is None or seen_at < timezone.now() - SILENT_AFTER


def _failed(error: TaskFailed) -> dict[str, object]:
    return {
        "status": TaskResultStatus.FAILED,
        "finished_at": timezone.now(),
        "exception_class_path": f"{TaskFailed.__module__}.{TaskFailed.__qualname__}",
        "traceback": str(error),
    }
