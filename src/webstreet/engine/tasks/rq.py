"""Tasks from RQ on Redis, run in this process: no fork a job.

Redis holds wake-ups, the databases hold the truth: a worker killed in the instant between taking a job from its list and noting
that it runs loses the wake-up, and the owner's sweeper makes a new one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import django_rq
from django.conf import settings
from django_tasks_rq import Job as TaskJob
from rq import SimpleWorker
from rq.exceptions import DequeueTimeout
from rq.job import Job, JobStatus
from rq.queue import Queue
from rq.registry import FailedJobRegistry, ScheduledJobRegistry, StartedJobRegistry

from webstreet.engine.tasks import TaskMustWait
from webstreet.engine.tasks.database import ATTEMPTS, is_dead
from webstreet.engine.tasks.heartbeat import WorkerSeen

BLOCK_S = 1.0
FAILURES_KEPT_S = 7 * 86_400
RESULTS_KEPT_S = 600


class RqSource:
    """One RQ worker in this thread, driven step by step by `webstreet.engine.tasks.worker.Worker`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.queues = {q: django_rq.get_queue(q, job_class=TaskJob) for q in settings.WORK_QUEUES}
        self.connection = next(iter(self.queues.values())).connection
        self.worker: SimpleWorker | None = None
        self._must_wait: TaskMustWait | None = None
        self._served: list[str] = []
        self._taken: tuple[Job, Queue] | None = None

    def open(self) -> None:
        self.worker = SimpleWorker(
            list(self.queues.values()),
            name=self.name,
            connection=self.connection,
            job_class=TaskJob,
            default_result_ttl=RESULTS_KEPT_S,
            exception_handlers=[self._note],
            log_job_description=False,
        )
        if not self.connection.exists(self.worker.key):
            self.worker.register_birth()

    def close(self) -> None:
        if self._taken is not None:
            job, queue = self._taken
            queue.enqueue_job(job, at_front=True)
            self._taken = None
        if self.worker is not None:
            self.worker.register_death()
            self.worker = None

    def take(self, queues: list[str]) -> Callable[[], None] | None:
        assert self.worker is not None  # noqa: S101 open comes first
        self._served = queues
        found, self._taken = self._taken or self._pop(None), None
        if found is None:
            return None
        job, queue = found
        return lambda: self._run(job, queue)

    def has_more(self, queues: list[str]) -> bool:
        return any(self.queues[name].count for name in queues)

    def wait(self, stop: threading.Event, seconds: float) -> None:
        """Block until Redis has something, and hold it for the next `take`; at most `BLOCK_S`, because ticks wait too."""
        try:
            self._taken = self._pop(min(BLOCK_S, seconds))
        except DequeueTimeout:
            self._taken = None

    def _pop(self, timeout_s: float | None) -> tuple[Job, Queue] | None:
        """From the first queue that has something, in the order given to `take`."""
        queues = [self.queues[q] for q in self._served]
        # Redis takes parts of a second since 6.0; RQ's annotation does not know.
        found: tuple[Job, Queue] | None = Queue.dequeue_any(
            queues,
            timeout_s,  # type: ignore[arg-type]
            connection=self.connection,
            job_class=TaskJob,
        )
        return found

    def sweep(self) -> int:
        """Enqueue again what dead workers had started, and what has become due."""
        seen = dict(WorkerSeen.objects.values_list("name", "seen_at"))
        count = 0
        for queue in self.queues.values():
            started = StartedJobRegistry(queue=queue, job_class=TaskJob)
            for job_id in started.get_job_ids(cleanup=False):
                job = TaskJob.fetch(job_id, connection=self.connection)
                if is_dead(job.worker_name or "", seen.get(job.worker_name or "")):
                    count += self._again(job, queue)
            due = ScheduledJobRegistry(queue=queue, job_class=TaskJob)
            for job_id in due.get_jobs_to_schedule():
                if self.connection.zrem(due.key, job_id):
                    queue.enqueue_job(TaskJob.fetch(job_id, connection=self.connection))
        return count

    def _again(self, job: Job, queue: Queue) -> int:
        for execution in job.get_executions():
            with self.connection.pipeline() as pipeline:
                execution.delete(job=job, pipeline=pipeline)
                pipeline.execute()
        job.meta["deaths"] = job.meta.get("deaths", 0) + 1
        job.save_meta()
        if job.meta["deaths"] >= ATTEMPTS:
            job.set_status(JobStatus.FAILED)
            FailedJobRegistry(queue=queue, job_class=TaskJob).add(
                job, ttl=FAILURES_KEPT_S, exc_string="its workers died"
            )
            return 0
        queue.enqueue_job(job)
        return 1

    def _run(self, job: Job, queue: Queue) -> None:
        assert self.worker is not None  # noqa: S101 open comes first
        self._must_wait = None
        self.worker.execute_job(job, queue)
        if self._must_wait is not None:
            FailedJobRegistry(queue=queue, job_class=TaskJob).requeue(job)
            if self._must_wait.of_site:
                raise self._must_wait

    def _note(self, job: Job, kind: type[BaseException], error: BaseException, trace: Any) -> bool:
        self._must_wait = error if isinstance(error, TaskMustWait) else None
        return False
