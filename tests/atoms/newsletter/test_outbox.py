"""What the database refuses once, in the middle of an issue: nobody gets a mail twice, and nothing is said to be sent that was not."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future

import pytest
from django.db import DataError, InterfaceError, OperationalError
from django.utils import timezone

from webstreet.atoms.newsletter import ledger, mails, outbox, outcomes, pacing, tasks
from webstreet.atoms.newsletter.models import Chunk, Delivery, Issue
from webstreet.engine import hooks
from webstreet.engine.backends.breaker import StoreDown
from webstreet.kernel.errors import BadInput
from webstreet.mail.pump import Outcome, Result, Trouble

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
AWAY = {
    "unreachable": lambda: StoreDown("newsletter"),
    "killed": lambda: InterfaceError(0, ""),
    "gone": lambda: OperationalError(2006, "server has gone away"),
}
NOT_AWAY = {"wrong": lambda: DataError("value out of range"), "defect": lambda: KeyError("x")}
EITHER = {
    "deadlock": lambda: OperationalError(1213, "deadlock found when trying to get lock"),
    "time-out": lambda: OperationalError("canceling statement due to statement timeout"),
}


@pytest.fixture
def issue(announce, subscribers, smtp, parameters) -> Callable[[int], Issue]:
    """``issue(30)`` makes one for that many, of whom each batch takes 8 at first."""

    def make(count: int) -> Issue:
        parameters(connections=1)
        subscribers(count)
        hooks.call("article_first_public", announce().uuid)
        return Issue.objects.get()

    tasks.close_transport()
    return make


@pytest.fixture
def fails(monkeypatch) -> Callable[..., list[int]]:
    """``fails(make_error, 1, 2)``: the first and the second time that fates are written, the database refuses."""

    def fail(error: Callable[[], Exception], *times: int) -> list[int]:
        calls: list[int] = []

        def write(issue_id, number, fates, now) -> None:
            calls.append(len(fates))
            if len(calls) in times:
                raise error()
            really(issue_id, number, fates, now)

        really = outcomes.write
        monkeypatch.setattr(outcomes, "write", write)
        return calls

    return fail


def later(drain) -> None:
    Issue.objects.update(woken_at=timezone.now() - dt.timedelta(minutes=1))
    tasks.find_left_work()
    drain()


def leases_run_out() -> None:
    Chunk.objects.exclude(lease_until=None).update(lease_until=timezone.now() - dt.timedelta(seconds=1))


def arrived(smtp) -> Counter[str]:
    return Counter(address for message in smtp.messages for address in message.recipients)


def in_state(state: str) -> set[str]:
    return set(Delivery.objects.filter(state=state).values_list("subscriber__email", flat=True))


@pytest.mark.requirement("P4")
@pytest.mark.parametrize(
    ("count", "times"),
    [(5, (1,)), (40, (1,)), (40, (2,)), (40, (1, 2))],
    ids=["one open batch", "the first of two", "the second", "both"],
)
@pytest.mark.parametrize("kind", [*AWAY, *NOT_AWAY, *EITHER])
def test_a_record_that_failed_sends_nobody_a_second_mail(issue, smtp, drain, fails, kind, count, times):
    found = issue(count)
    calls = fails((AWAY | NOT_AWAY | EITHER)[kind], *times)
    with pytest.raises(Exception):  # noqa: B017, PT011 whichever was made
        tasks.deliver_step(found)
    assert (len(calls) > 1) == (count > 5)
    later(drain)
    outbox.write_down()
    later(drain)
    leases_run_out()
    later(drain)
    outbox.write_down()
    came, sent, uncertain = arrived(smtp), in_state("sent"), in_state("uncertain")
    assert max(came.values()) == 1
    assert sent | uncertain == {f"s{i}@example.org" for i in range(count)}
    assert sent <= set(came), "what is said to be sent has arrived"
    assert Issue.objects.get().state == "finished"
    if kind not in EITHER:
        refused = sum(calls[n - 1] for n in times)
        assert len(uncertain) == (0 if kind in AWAY else refused)


@pytest.mark.requirement("P4")
def test_what_failed_stays_marked_while_the_next_batch_is_written(issue, fails):
    found = issue(40)
    fails(NOT_AWAY["defect"], 1)
    with pytest.raises(KeyError):
        tasks.deliver_step(found)
    chunk = Chunk.objects.get()
    marked = Delivery.objects.filter(id__range=(chunk.sending_from, chunk.sending_to))
    assert set(marked.values_list("state", flat=True)) == {"queued"}
    assert chunk.lease_until > timezone.now()
    assert marked.count() == found.counts.sending > 0
    outbox.write_down()
    assert Chunk.objects.get().lease_token == chunk.lease_token, "it is not given back"


def test_a_batch_that_no_message_can_be_made_for_leaves_the_one_under_way_alone(issue, monkeypatch):
    found = issue(30)
    ledger.freeze_audience(found)
    box = outbox.IssueOutbox(found, resend_uncertain=False)
    under_way = box.claim(10)
    refused = {row.pk for row in found.deliveries.order_by("id")[10:20]}
    really = mails.Mailing.envelope

    def envelope(mailing, row):
        if row.delivery_id in refused:
            raise BadInput("no such address")
        return really(mailing, row)

    monkeypatch.setattr(mails.Mailing, "envelope", envelope)
    behind = box.claim(10)
    assert set(Delivery.objects.filter(state="failed").values_list("pk", flat=True)) == refused
    assert found.counts.sending == 20
    for envelopes in (under_way, behind):
        box.record([Result(envelope.key, Outcome.SENT, "250") for envelope in envelopes], None)
    box.close()
    assert (len(in_state("sent")), len(in_state("failed"))) == (20, 10)
    assert Issue.objects.get().state == "finished"


def under_way(found: Issue, lying_between: Outcome) -> tuple[set[int], dict[int, Future[Result]]]:
    """Every second of 30 who were claimed together; of the others it is known what became of them."""
    ledger.freeze_audience(found)
    box = outbox.IssueOutbox(found, resend_uncertain=False)
    keys = [envelope.key for envelope in box.claim(30)]
    later: dict[int, Future[Result]] = {key: Future() for key in keys[::2]}
    told = [Result(key, Outcome.UNDER_WAY, later=later[key]) for key in keys[::2]]
    box.record([*told, *(Result(key, lying_between) for key in keys[1::2])], None)
    box.close()
    return set(keys[1::2]), later


@pytest.mark.requirement("P4")
@pytest.mark.parametrize("kind", ["", *NOT_AWAY])
def test_who_lies_between_those_that_are_answered_together_is_left_alone(issue, monkeypatch, caplog, kind):
    found = issue(30)
    others, later = under_way(found, Outcome.UNSENT)
    for key, answer in later.items():
        answer.set_result(Result(key, Outcome.SENT, "200"))
    really, calls = outcomes.write_each, []

    def write_each(fates, now, states, offset):
        calls.append(len(fates))
        if kind and any(pk == min(later) for pk, _ in fates):
            raise NOT_AWAY[kind]()
        really(fates, now, states, offset)

    monkeypatch.setattr(outcomes, "write_each", write_each)
    outbox.write_down()
    sent = set(Delivery.objects.filter(state="sent").values_list("pk", flat=True))
    assert sent == set(later) - ({min(later)} if kind else set()), "one that cannot be written holds up no other"
    assert set(Delivery.objects.filter(state="queued").values_list("pk", flat=True)) >= others
    assert ("outbox.never_written" in caplog.text) == bool(kind)
    assert outbox._unwritten == []
    assert bool(kind) == (Chunk.objects.get().sending_from == min(later)), "it alone is in question"
    assert calls == ([15, *[1] * 15] if kind else [15])


def test_what_can_never_be_written_holds_up_nothing_behind_it(issue, smtp, drain, fails, caplog):
    found = issue(40)
    calls = fails(AWAY["unreachable"], 1, 2)
    with pytest.raises(StoreDown):
        tasks.deliver_step(found)
    assert len(calls) == 2
    again = fails(lambda: DataError("s1@example.org"), 1)
    outbox.write_down()
    assert again == calls[:2], "the second as well"
    assert "outbox.never_written" in caplog.text
    assert "s1@" not in caplog.text
    later(drain)
    leases_run_out()
    later(drain)
    assert max(arrived(smtp).values()) == 1
    assert (len(in_state("uncertain")), len(in_state("sent"))) == (calls[0], 40 - calls[0])


@pytest.mark.requirement("P4")
@pytest.mark.parametrize(("owner", "name"), [(pacing.Gate, "give_back"), (mails.Mailing, "envelope")])
def test_what_was_claimed_and_not_handed_over_is_in_no_doubt(issue, parameters, smtp, drain, monkeypatch, owner, name):
    found = issue(5)
    parameters(sending={"per_site": "1000/s"})

    def refuse(*_: object) -> None:
        raise StoreDown("newsletter")

    with monkeypatch.context() as once:
        once.setattr(owner, name, refuse)
        with pytest.raises(StoreDown):
            tasks.deliver_step(found)
    assert found.counts.queued == 5, "none is sending, nor claimed"
    later(drain)
    assert arrived(smtp) == Counter(in_state("sent")) == Counter(f"s{i}@example.org" for i in range(5))


def test_a_limit_that_cannot_be_written_keeps_no_trouble_quiet(issue, parameters, monkeypatch):
    found = issue(5)
    parameters(sending={"per_site": "1000/s"})
    ledger.freeze_audience(found)
    box = outbox.IssueOutbox(found, resend_uncertain=False, gate=pacing.gate_of(found, None, math.inf))
    claimed = box.claim(5)

    def refuse(*_: object) -> None:
        raise StoreDown("newsletter")

    monkeypatch.setattr(pacing.Gate, "give_back", refuse)
    with pytest.raises(StoreDown):
        box.record([Result(e.key, Outcome.UNSENT) for e in claimed], Trouble("mail_server.away", pause=False))
    box.close()
    found.refresh_from_db()
    assert (found.trouble, found.due_at > timezone.now(), found.counts.queued) == ("mail_server.away", True, 5)


@pytest.mark.parametrize("outcome", [Outcome.DEFERRED, Outcome.UNCERTAIN, Outcome.SENT])
def test_only_a_server_that_takes_something_is_asked_again_as_soon(issue, outcome):
    found = issue(20)
    ledger.freeze_audience(found)
    counts = []
    for _ in range(3):
        Issue.objects.update(due_at=timezone.now())
        box = outbox.IssueOutbox(Issue.objects.get(), resend_uncertain=False)
        claimed = box.claim(5)
        box.record([Result(e.key, outcome, "x") for e in claimed], Trouble("mail_server.away", pause=False))
        box.close()
        counts.append(Issue.objects.get().trouble_count)
    assert counts == ([1, 1, 1] if outcome is Outcome.SENT else [1, 2, 3])


@pytest.mark.parametrize("by", ["pause", "cancel"])
def test_a_server_that_is_away_changes_no_issue_that_somebody_stopped(issue, by):
    found = issue(1)
    assert getattr(found, by)()
    before = Issue.objects.get().due_at
    found.wait_for_server("mail_server.away")
    after = Issue.objects.get()
    assert (after.trouble, after.trouble_count, after.due_at) == ("", 0, before)
