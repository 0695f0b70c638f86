"""A step that goes on while nobody else waits for the worker, and ends as soon as the next one would be another."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter

import pytest
from django.utils import timezone

from webstreet.atoms.newsletter import ledger, tasks
from webstreet.atoms.newsletter.models import Delivery, Issue, SlowDown
from webstreet.engine import hooks
from webstreet.engine.tasks import answering
from webstreet.engine.tasks import ticks as all_ticks
from webstreet.testing.smtp import Behaviour

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
SLOWLY = Behaviour(delay_s=0.02)
"""60 mails over two connections take 0.6 seconds at least."""


@pytest.fixture
def issue(announce, subscribers, smtp, parameters):
    """``issue()`` makes one for 60, over two connections to a slow server."""

    def make(**values: object) -> Issue:
        parameters(connections=2, **values)
        subscribers(60)
        smtp.behaviour = SLOWLY
        hooks.call("article_first_public", announce().uuid)
        return Issue.objects.get()

    tasks.close_transport()
    yield make
    tasks.close_transport()


def states() -> Counter[str]:
    return Counter(Delivery.objects.values_list("state", flat=True))


def test_one_step_does_what_takes_three(issue, smtp, monkeypatch):
    monkeypatch.setattr(tasks, "GOES_ON_S", 60)
    issue()
    assert tasks.deliver_step(Issue.objects.get(), budget_s=0.2)
    assert 0 < states()["sent"] < 60, "nobody says that nobody waits"
    with answering(lambda: True):
        assert not tasks.deliver_step(Issue.objects.get(), budget_s=0.2)
    assert states() == {"sent": 60}
    assert Counter(address for message in smtp.messages for address in message.recipients) == {
        f"s{number}@example.org": 1 for number in range(60)
    }


def test_a_step_ends_in_time_once_somebody_waits(issue):
    issue()
    with answering(lambda: False):
        assert tasks.deliver_step(Issue.objects.get(), budget_s=0.2)
    assert 0 < states()["sent"] < 60


@pytest.mark.parametrize("why", ["a limit", "an audience that is still written"])
def test_a_step_that_looks_at_something_each_time_is_not_asked(issue, monkeypatch, why):
    issue(**({"sending": {"per_site": "1000/s"}} if why == "a limit" else {}))
    if why != "a limit":
        freeze = ledger.freeze_audience
        monkeypatch.setattr(ledger, "freeze_audience", lambda *given, **named: bool(freeze(*given, **named)) and False)

    def asked() -> bool:
        raise AssertionError("asked")

    with answering(asked):
        assert tasks.deliver_step(Issue.objects.get(), budget_s=0.2)
    assert 0 < states()["sent"] < 60


def quiet(issue: Issue, parameters) -> None:
    now, hour = timezone.now(), dt.timedelta(hours=1)
    hours = {"quiet_from": f"{now - hour:%H:%M}", "quiet_until": f"{now + hour:%H:%M}"}
    parameters(connections=2, sending=hours)


def a_provider_wants_less(issue: Issue, parameters) -> None:
    SlowDown.objects.create(family="gmail", steps=1, since=timezone.now())


def another_worker_heard_that_the_server_is_away(issue: Issue, parameters) -> None:
    Issue.objects.get().wait_for_server("mail_server.away")


def more_workers_came(issue: Issue, parameters) -> None:
    Issue.objects.get().new_chain(2)


@pytest.mark.parametrize(
    "change", [quiet, a_provider_wants_less, another_worker_heard_that_the_server_is_away, more_workers_came]
)
def test_a_step_goes_on_only_as_long_as_the_next_would_be_the_same(issue, parameters, change):
    found, last = issue(), time.monotonic() + 60
    Issue.objects.update(due_at=timezone.now() - dt.timedelta(seconds=1))
    with answering(lambda: True):
        assert tasks._goes_on(found, last)
        assert not tasks._goes_on(found, time.monotonic()), "the issue is to show that it lives"
        change(found, parameters)
        assert not tasks._goes_on(found, last)


def test_the_ticks_of_a_worker_end_a_step_before_its_issue_seems_to_be_lost():
    assert min(tick.seconds for tick in all_ticks.values()) <= tasks.GOES_ON_S
    assert tasks.SILENT_AFTER.total_seconds() / 2 > tasks.STEP_S + tasks.GOES_ON_S
