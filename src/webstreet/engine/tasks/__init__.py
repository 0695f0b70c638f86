"""Background work: short tasks whose arguments are ids, run by ``engine work`` after the transaction that asked for them.

Queues: ``interactive`` (somebody waits) goes strictly before ``bulk`` (steps of at most a second that enqueue themselves
again, or go on while nobody waits: `nothing_else_to_do`). A task of a sensitive atom has that atom's own queue, so that it can
wait for its database without holding up others. Task rows lie in the default database or in Redis; therefore arguments are ids,
there is no return value, and an exception leaves only its kind and the places it passed.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django_tasks import task as django_task
from django_tasks.base import Task

from webstreet.engine.away import is_away
from webstreet.kernel.errors import Broken

logger = logging.getLogger(__name__)
Queue = Literal["interactive", "bulk"]
BACKEND = "work"
ARGUMENT_MAX = 100
_SAFE_TEXT = re.compile(r"[A-Za-z0-9_.:/-]*\Z")


class TaskArgumentInvalid(Broken):
    """An argument that is not an id: it would be stored in the queue."""

    code = "task.argument"


class TaskFailed(Exception):
    """What is stored of a task's exception: the task's name, the exception's kind and the places it passed."""


class TaskMustWait(Exception):
    """The database named by the alias is away: run this task again later."""

    @property
    def of_site(self) -> bool:
        """It is the site's own, without which the worker can do nothing else either: it waits a moment."""
        return self.args == ("default",)


@dataclass(frozen=True, slots=True)
class Tick:
    """Something short that the worker does every ``seconds``, and at the moment that ``at`` names."""

    name: str
    seconds: float
    run: Callable[[], None]
    at: Callable[[], float | None] | None = None


ticks: dict[str, Tick] = {}
_worker = threading.local()


def nothing_else_to_do() -> bool:
    """Whether a step may go on where it would else enqueue itself again: a worker runs it that is not to stop, no other task waits, and no
    tick is due.
    """
    asked: Callable[[], bool] | None = getattr(_worker, "asked", None)
    return asked is not None and asked()


@contextlib.contextmanager
def answering(asked: Callable[[], bool]) -> Iterator[None]:
    """Meanwhile ``asked`` answers `nothing_else_to_do` in this thread."""
    before = getattr(_worker, "asked", None)
    _worker.asked = asked
    try:
        yield
    finally:
        _worker.asked = before


def task(*, queue: Queue = "interactive", atom: str = "") -> Callable[[Callable[..., None]], Task]:
    """``@task(queue="bulk", atom="newsletter")`` on a module-level function of ids; the result has ``enqueue``.

    Args:
        atom: the sensitive atom whose database the task needs. When that is away the task waits instead of failing.
    """

    def decorate(function: Callable[..., None]) -> Task:
        @functools.wraps(function)
        def scrubbed(*args: Any) -> None:
            _run_scrubbed(function, args)

        # What is stored names this function; functools.wraps keeps the annotations that django_tasks looks at.
        del scrubbed.__wrapped__
        return django_task(queue_name=queue_name(queue, atom), backend=BACKEND)(scrubbed)

    return decorate


def queue_name(queue: Queue, atom: str = "") -> str:
    """The queue's name in the backend; an atom that is not sensitive on this installation shares the common one."""
    own = f"-{atom}" if atom in settings.WEBSTREET_SENSITIVE else ""
    return f"{settings.WEBSTREET_QUEUE_PREFIX}{queue}{own}"


def atom_of(queue: str) -> str:
    """The atom whose queue this is; empty for the common ones."""
    return queue.removeprefix(settings.WEBSTREET_QUEUE_PREFIX).partition("-")[2]


def enqueue_on_commit(wanted: Task, *args: Any, using: str = "default") -> None:
    """Enqueue when the transaction on ``using`` commits; never if it rolls back. At once when there is none.

    A queue that does not answer then is logged, not raised: the row is committed, and the owner's sweeper finds it.

    Raises:
        TaskArgumentInvalid: now, not later.
    """
    ids = [_id(argument) for argument in args]
    transaction.on_commit(functools.partial(_enqueue, wanted, ids), using=using)


def _enqueue(wanted: Task, ids: list[Any]) -> None:
    try:
        wanted.enqueue(*ids)
    except Exception:
        logger.exception("task.enqueue_failed", extra={"task": wanted.module_path})


def every(
    seconds: float, *, at: Callable[[], float | None] | None = None
) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """``@every(10)`` on a function without arguments: short and idempotent, as several workers may run it.

    Args:
        at: the next moment (seconds since the epoch) at which to run it besides; None when there is none. Asked all the time, so cheap.
    """

    def decorate(function: Callable[[], None]) -> Callable[[], None]:
        name = f"{function.__module__}.{function.__qualname__}"
        ticks[name] = Tick(name, seconds, function, at)
        return function

    return decorate


def _id(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str) and len(value) <= ARGUMENT_MAX and _SAFE_TEXT.match(value):
        return value
    raise TaskArgumentInvalid(f"A task's argument must be an id, not a {type(value).__name__} with content.")


def _run_scrubbed(function: Callable[..., None], args: tuple[Any, ...]) -> None:
    """Run; whatever it raises is replaced outside the ``except`` block, so that nothing is chained to the new exception."""
    name = f"{function.__module__}.{function.__qualname__}"
    failure: Exception
    try:
        function(*args)
    except Exception as error:
        if is_away(error):
            failure = TaskMustWait(getattr(error, "alias", "default"))
        else:
            logger.exception("task.failed", extra={"task": name, "ids": " ".join(map(str, args))})
            failure = TaskFailed(f"{name}: {_kind(error)}")
    else:
        return
    raise failure


def _kind(error: Exception) -> str:
    from webstreet.engine.logs import where

    return where((type(error), error, error.__traceback__))
