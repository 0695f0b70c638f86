"""Background tasks: arguments, order, scrubbed errors, commit, and the work of killed workers. Database backend."""

from __future__ import annotations

import uuid

import pytest
from django.db import connections, transaction
from django_tasks_db.models import DBTaskResult

from webstreet.engine.backends.breaker import StoreDown, breakers
from webstreet.engine.tasks import (
    TaskArgumentInvalid,
    TaskFailed,
    Tick,
    _run_scrubbed,
    enqueue_on_commit,
    nothing_else_to_do,
    task,
)
from webstreet.engine.tasks.worker import Worker, drain, source

pytestmark = pytest.mark.only_on(
    "sqlite", "mariadb", reason="looks at the rows of tasks in the database; with Redis, test_workers.py looks at RQ"
)
ran: list[str] = []


@task(queue="interactive")
def soon(word: str) -> None:
    ran.append(word)


@task(queue="bulk")
def later(word: str) -> None:
    ran.append(word)


@task(queue="bulk")
def asks(word: str) -> None:
    ran.append(f"{word}: {nothing_else_to_do()}")


@task(queue="bulk", atom="newsletter")
def needs_newsletter(word: str) -> None:
    if word == "down":
        breakers.trip("newsletter")
        raise StoreDown("newsletter")
    ran.append(word)


@task()
def fails(number: int) -> None:
    try:
        raise KeyError("canary.person@example.org")
    except KeyError as error:
        raise ValueError("Duplicate entry 'canary.person@example.org'") from error


@pytest.fixture(autouse=True)
def _database_backend(settings):
    if settings.WEBSTREET_ENVIRONMENT.redis_url:
        pytest.skip("these look at the rows of the database backend; tests/engine/test_workers.py runs RQ")
    ran.clear()


@pytest.mark.django_db(databases=["default", "newsletter"])
def test_interactive_goes_before_bulk_whatever_came_first():
    later.enqueue("b1")
    later.enqueue("b2")
    soon.enqueue("i1")
    assert drain() == 3
    assert ran == ["i1", "b1", "b2"]


@pytest.mark.django_db(databases=["default", "newsletter"])
def test_a_step_has_something_else_to_do_when_somebody_waits_a_tick_is_due_or_nobody_knows(monkeypatch):
    tick = Tick("a", 60, lambda: ran.append("tick"))
    monkeypatch.setattr("webstreet.engine.tasks.worker.ticks", {"a": tick})
    monkeypatch.setattr("webstreet.engine.tasks.worker.close_old_connections", lambda: None)  # The test's own one.
    worker = Worker(source())
    assert worker.step(), "the tick"
    for word in ("first", "last"):
        asks.enqueue(word)
        worker.step()
    asks.enqueue("one of two")
    later.enqueue("the other")
    assert worker.step()
    assert worker.step()
    asks.enqueue("before a tick")
    run = worker.source.take

    def take(queues: list[str]) -> object:
        worker._due["a"] = 0.0
        return run(queues)

    monkeypatch.setattr(worker.source, "take", take)
    assert worker.step()
    assert worker.step(), "the tick"
    monkeypatch.setattr(worker.source, "take", run)
    monkeypatch.setattr(worker.source, "has_more", lambda queues: 1 / 0)
    asks.enqueue("nobody knows")
    assert worker.step()
    assert ran == [
        "tick",
        *("first: True", "last: True"),
        *("one of two: False", "the other"),
        *("before a tick: False", "tick"),
        "nobody knows: False",
    ]
    assert not nothing_else_to_do(), "no worker asks"


@pytest.mark.django_db(databases=["default", "newsletter"])
def test_a_task_waits_while_its_atoms_database_is_away_and_holds_nobody_up():
    needs_newsletter.enqueue("down")
    needs_newsletter.enqueue("n1")
    later.enqueue("b1")
    drain()
    assert ran == ["b1"]
    assert DBTaskResult.objects.filter(status="READY").count() == 2
    assert not DBTaskResult.objects.filter(status="FAILED").exists()
    breakers.close("newsletter")
    DBTaskResult.objects.filter(args_kwargs__args=["down"]).delete()
    drain()
    assert ran == ["b1", "n1"]


@pytest.mark.django_db(databases=["default", "newsletter"])
def test_a_failed_task_leaves_kind_and_place_but_no_value():
    fails.enqueue(7)
    drain()
    row = DBTaskResult.objects.get(status="FAILED")
    stored = f"{row.exception_class_path} {row.traceback} {row.return_value} {row.args_kwargs}"
    assert "canary" not in stored
    assert "ValueError" in row.traceback
    assert "test_tasks.py" in row.traceback


def test_the_scrubbed_error_is_chained_to_nothing():
    with pytest.raises(TaskFailed) as caught:
        _run_scrubbed(fails.func.__closure__[0].cell_contents, (1,))
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("argument", ["canary@example.org", "x" * 200, {"email": "a"}, ["a"], 1.5, "two words"])
@pytest.mark.django_db(databases=["default", "newsletter"])
def test_only_ids_are_arguments(argument):
    with pytest.raises(TaskArgumentInvalid):
        enqueue_on_commit(soon, argument)


@pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
@pytest.mark.parametrize("alias", ["default", "newsletter"])
def test_a_rolled_back_transaction_leaves_no_task(alias):
    def change_ones_mind():
        with transaction.atomic(using=alias):
            enqueue_on_commit(soon, uuid.uuid4(), using=alias)
            raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError, match="changed my mind"):
        change_ones_mind()
    assert not DBTaskResult.objects.exists()
    with transaction.atomic(using=alias):
        enqueue_on_commit(soon, "kept", using=alias)
        assert not DBTaskResult.objects.exists()
    assert DBTaskResult.objects.count() == 1
    assert connections[alias].get_autocommit()
