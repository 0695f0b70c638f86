"""A mail server that thinks for longer than a step, and what a worker that is lost meanwhile leaves."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter

import pytest
from django.utils import timezone

from webstreet.atoms.newsletter import ledger, mail_server, outbox, outcomes, tasks
from webstreet.atoms.newsletter.models import Chunk, Delivery, Issue, Notice, Subscriber
from webstreet.atoms.newsletter.models.limits import Pace
from webstreet.engine import hooks
from webstreet.engine.backends.breaker import StoreDown
from webstreet.testing.smtp import Behaviour

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])


@pytest.fixture
def issue(announce, subscribers, smtp, parameters):
    """``issue(30)`` makes one for that many, over two connections."""

    def make(count: int, **values: object) -> Issue:
        parameters(connections=2, **values)
        subscribers(count)
        hooks.call("article_first_public", announce().uuid)
        return Issue.objects.get()

    tasks.close_transport()
    yield make
    tasks.close_transport()
    outbox._unwritten.clear()


def states() -> Counter[str]:
    return Counter(Delivery.objects.values_list("state", flat=True))


def arrived(smtp) -> Counter[str]:
    return Counter(address for message in smtp.messages for address in message.recipients)


def sweep() -> None:
    Issue.objects.update(woken_at=timezone.now() - dt.timedelta(minutes=1), due_at=timezone.now())
    tasks.find_left_work()


def answered(wait_until) -> None:
    """What is under way is answered and written down."""
    wait_until(lambda: not any(known.waits for known in outbox._unwritten), seconds=20, what="the server answers")
    outbox.write_down()


def begin(issue: Issue) -> None:
    """Steps until the server thinks about a message on each of the two connections."""
    for _ in range(20):
        assert tasks.deliver_step(issue), "there is more to do, and a step waits for none of it"
        if len([known for known in outbox._unwritten if known.waits]) == 2:
            return
    raise AssertionError("no message is under way")


@pytest.mark.requirement("P4")
def test_nobody_is_uncertain_because_the_server_thinks(issue, smtp, drain, wait_until):
    found, let_go = issue(9), threading.Event()
    smtp.behaviour = Behaviour(held=lambda to: not let_go.is_set())
    begin(found)
    assert (smtp.messages, found.counts.sent) == ([], 0)
    assert 2 <= found.counts.sending < 9, "they, and at most who lies between them"
    lease = Chunk.objects.get()
    Chunk.objects.update(lease_until=timezone.now() + dt.timedelta(seconds=5))
    outbox.write_down()
    assert Chunk.objects.get().lease_until > lease.lease_until - dt.timedelta(seconds=60), "it goes on being held"
    assert found.pause()
    let_go.set()
    answered(wait_until)
    assert (states(), len(smtp.messages)) == ({"sent": 2, "queued": 7}, 2), "pausing counts at once, and the answer too"
    assert found.counts.sending == 0
    smtp.behaviour = Behaviour()
    assert found.resume()
    sweep()
    drain()
    assert arrived(smtp) == Counter(f"s{i}@example.org" for i in range(9))
    assert (states(), Issue.objects.get().state) == ({"sent": 9}, "finished")


def test_one_slow_message_does_not_hold_up_its_chunk(issue, smtp, drain, wait_until):
    let_go = threading.Event()
    issue(60)
    smtp.behaviour = Behaviour(held=lambda to: to == ["s0@example.org"] and not let_go.is_set())
    for _ in range(20):
        tasks.deliver_step(Issue.objects.get())
        if states()["sent"] >= 40:
            break
    assert states()["sent"] >= 40
    assert "s0@example.org" not in arrived(smtp)
    assert not Chunk.objects.get().closed
    let_go.set()
    answered(wait_until)
    sweep()
    drain()
    assert (states(), Issue.objects.get().state) == ({"sent": 60}, "finished")
    assert max(arrived(smtp).values()) == 1


def test_what_the_server_thinks_about_is_no_sign_that_it_works(issue, smtp):
    found, let_go = issue(9), threading.Event()
    smtp.behaviour = Behaviour(held=lambda to: not let_go.is_set())
    mail_server.sending.noted("mail_server.away")
    begin(found)
    assert mail_server.sending._trouble == "mail_server.away"
    assert not Pace.objects.exists(), "nor does anything go"
    mail_server.sending.noted("")
    let_go.set()


def test_a_slow_server_that_has_answered_is_waited_for_no_longer(issue, smtp, wait_until, monkeypatch):
    found, let_go = issue(200), threading.Event()
    smtp.behaviour = Behaviour(held=lambda to: not let_go.is_set())
    begin(found)
    monkeypatch.setattr("webstreet.mail.smtp.SLOW_S", 0.0)
    assert not tasks.deliver_step(Issue.objects.get())
    waiting = Issue.objects.get()
    assert (waiting.trouble, waiting.due_at > timezone.now()) == ("mail_server.slow", True)
    let_go.set()
    answered(wait_until)
    after = Issue.objects.get()
    assert (after.trouble, after.trouble_count, after.due_at <= timezone.now()) == ("", 0, True)


@pytest.mark.requirement("P4")
@pytest.mark.parametrize("policy", ["hold", "resend"])
def test_a_worker_that_is_lost_meanwhile_leaves_only_those_in_question(issue, smtp, drain, policy):
    found = issue(9, uncertain=policy)
    smtp.behaviour = Behaviour(delay_s=2)
    begin(found)
    under_way = {known.rows[0].delivery_id for known in outbox._unwritten if known.rows}
    assert len(under_way) == 2
    outbox._unwritten.clear()
    tasks.close_transport()
    smtp.behaviour = Behaviour()
    Chunk.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    assert ledger.claim_chunk(found) is None, "the policy is the sweeper's"
    sweep()
    rows = set(
        Delivery.objects.filter(state="queued" if policy == "resend" else "uncertain", attempts=1).values_list(
            "pk", flat=True
        )
    )
    assert under_way <= rows
    drain()
    assert states() == ({"sent": 9} if policy == "resend" else {"sent": 9 - len(rows), "uncertain": len(rows)})
    assert Issue.objects.get().state == "finished"


@pytest.mark.requirement("P4")
@pytest.mark.parametrize("answer", ["", "550 5.1.1 no such user", "451 4.2.2 full"])
def test_an_answer_that_comes_after_somebody_gave_up_the_worker_still_counts(issue, smtp, drain, wait_until, answer):
    """The database was away for longer than a lease: its worker knows what became of those who were queued again."""
    found, let_go = issue(9, uncertain="resend"), threading.Event()
    smtp.behaviour = Behaviour(held=lambda to: not let_go.is_set(), content=lambda to: answer)
    begin(found)
    under_way = {known.rows[0].delivery_id for known in outbox._unwritten if known.rows}
    Chunk.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    sweep()
    assert under_way <= set(Delivery.objects.filter(state="queued", attempts=1).values_list("pk", flat=True))
    let_go.set()
    answered(wait_until)
    told = Delivery.objects.filter(pk__in=under_way)
    state = {"": "sent", "5": "failed", "4": "deferred"}[answer[:1]]
    assert set(told.values_list("state", "attempts")) == {(state, 1)}
    smtp.behaviour = Behaviour()
    sweep()
    drain()
    assert max(arrived(smtp).values()) == 1
    assert len(smtp.messages) == (9 if not answer else 7)


@pytest.mark.requirement("P4")
def test_a_late_answer_does_not_unmark_the_batch_that_could_not_be_written(issue, smtp, drain, wait_until, monkeypatch):
    found, let_go = issue(40), threading.Event()
    smtp.behaviour = Behaviour(held=lambda to: to == ["s0@example.org"] and not let_go.is_set())

    def refuse(*_: object) -> None:
        raise KeyError("x")

    with monkeypatch.context() as once:
        once.setattr(outcomes, "write", refuse)
        with pytest.raises(KeyError):
            tasks.deliver_step(found)
    came = set(arrived(smtp))
    assert came
    assert "s0@example.org" not in came
    let_go.set()
    answered(wait_until)
    Chunk.objects.exclude(lease_until=None).update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    sweep()
    drain()
    assert max(arrived(smtp).values()) == 1
    uncertain = set(Delivery.objects.filter(state="uncertain").values_list("subscriber__email", flat=True))
    assert came <= uncertain, "nobody wrote down that they have it"
    assert Delivery.objects.get(subscriber__email="s0@example.org").state == "sent"
    assert Issue.objects.get().state == "finished"


def test_who_was_lost_twice_is_uncertain_whatever_the_policy(issue):
    found = issue(30, uncertain="resend")
    ledger.freeze_audience(found)
    for queued in (30, 20):
        lease = ledger.claim_chunk(found)
        assert lease is not None
        assert len(ledger.claim_batch(lease, 10)) == 10
        Chunk.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
        sweep()
        assert states()["queued"] == queued
    assert Delivery.objects.filter(state="uncertain", attempts=2, code=ledger.WORKER_LOST).count() == 10


def test_a_cancelled_issue_waits_for_nobody_who_was_deferred(issue, smtp, drain):
    found = issue(4)
    smtp.behaviour = Behaviour(recipients={"s1@example.org": "451 4.2.2 full"})
    drain()
    assert states() == {"sent": 3, "deferred": 1}
    assert found.cancel()
    sweep()
    drain()
    assert states() == {"sent": 3, "suppressed": 1}
    assert not Chunk.objects.filter(closed=False).exists()


@pytest.mark.parametrize("first", ["the worker is lost", "it is cancelled", "no answer"])
def test_who_may_have_a_cancelled_issue_is_not_said_to_be_left_out(issue, smtp, drain, first):
    found = issue(9, uncertain="resend")
    if first == "no answer":
        smtp.behaviour = Behaviour(drop="after_data")
        tasks.deliver_step(found)
        assert states()["deferred"] == Delivery.objects.filter(code="again").count()
    else:
        ledger.freeze_audience(found)
        lease = ledger.claim_chunk(found)
        assert lease is not None
        ledger.claim_batch(lease, 5)
        Chunk.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
        if first == "the worker is lost":
            tasks.find_left_work()
            assert Delivery.objects.filter(code="again", state="queued").count() == 5
    assert found.cancel()
    sweep()
    drain()
    had_it = 5 if first != "no answer" else len(smtp.messages)
    assert had_it
    assert states() == {"uncertain": had_it, "suppressed": 9 - had_it}
    assert not Chunk.objects.filter(closed=False).exists()


@pytest.mark.requirement("P4")
def test_whom_a_refusal_of_the_sender_was_about_is_named(issue, smtp, drain):
    issue(5)
    words = "550 5.7.26 the domain of s2@example.org is not authenticated"
    smtp.behaviour = Behaviour(content=lambda to: words if to == ["s2@example.org"] else "")
    drain()
    found = Issue.objects.get()
    assert (found.state, found.trouble) == ("paused", "sender.policy")
    row = Delivery.objects.get(subscriber__email="s2@example.org")
    assert (row.state, row.code, row.reply) == ("deferred", "550 5.7.26", "the domain of … is not authenticated")
    assert found.resume()
    sweep()
    drain()
    assert (states(), Issue.objects.get().paused_at) == ({"sent": 4, "deferred": 1}, None), (
        "nobody else is held up by it"
    )


def test_a_letter_that_is_too_large_pauses_and_fails_nobody(issue, smtp, drain):
    issue(20)
    smtp.behaviour = Behaviour(size_max=500)
    drain()
    found = Issue.objects.get()
    assert (found.state, found.trouble) == ("paused", "content.refused")
    assert set(states()) == {"queued", "deferred"}
    smtp.behaviour = Behaviour()
    tasks.close_transport()
    assert found.resume()
    sweep()
    drain()
    past = timezone.now() - dt.timedelta(minutes=1)
    Delivery.objects.filter(state="deferred").update(due_at=past)
    Chunk.objects.update(due_at=past)
    sweep()
    drain()
    assert states() == {"sent": 20}


# -- Mails that somebody waits for -----------------------------------------------------------------------------------
def due() -> None:
    """Which is later than `tasks.LEFT_AFTER`."""
    Notice.objects.update(due_at=timezone.now() - dt.timedelta(minutes=1))
    tasks.find_left_work()


def test_a_confirmation_that_was_not_answered_is_sent_a_second_time_and_no_third(reader, smtp, drain):
    smtp.behaviour = Behaviour(drop="after_data")
    reader.sign_up("ada@example.org")
    drain()
    notice = Notice.objects.get()
    assert (notice.sent_at, notice.code) == (None, "uncertain")
    for _ in range(3):
        due()
        drain()
    assert len(smtp.messages) == 2
    assert len({message.parsed["Message-ID"] for message in smtp.messages}) == 1
    assert Notice.objects.get().sent_at is not None


def test_a_confirmation_that_the_server_thinks_about_is_sent_once(reader, smtp, drain, wait_until):
    smtp.behaviour = Behaviour(delay_s=2)
    reader.sign_up("ada@example.org")
    drain()
    (thinking,) = tasks._thinking
    Notice.objects.update(due_at=timezone.now() + dt.timedelta(seconds=20))
    thinking[1].refresh_from_db()
    tasks.hear_late_answers()
    assert Notice.objects.get().due_at > timezone.now() + dt.timedelta(minutes=2), "nobody else tries"
    wait_until(thinking[0].done, seconds=20, what="the server answers")
    tasks.hear_late_answers()
    assert (Notice.objects.get().sent_at is not None, len(smtp.messages), tasks._thinking) == (True, 1, [])


@pytest.mark.requirement("P4")
@pytest.mark.parametrize("answer", ["it took it", "it hung up"])
def test_an_answer_that_cannot_be_written_is_kept(reader, smtp, drain, wait_until, monkeypatch, answer):
    let_go = threading.Event()
    smtp.behaviour = Behaviour(
        held=lambda to: not let_go.is_set(), drop=None if answer == "it took it" else "after_data"
    )
    for name in ("ada", "bea"):
        reader.sign_up(f"{name}@example.org")
        drain()
    first, second = tasks._thinking
    let_go.set()
    wait_until(lambda: first[0].done() and second[0].done(), seconds=20, what="the server answers")
    really = Notice.save

    def save(notice: Notice, **fields: object) -> None:
        if notice.pk == first[1].pk:
            raise StoreDown("newsletter")
        really(notice, **fields)

    with monkeypatch.context() as once:
        once.setattr(Notice, "save", save)
        with pytest.raises(StoreDown):
            tasks.hear_late_answers()
    assert tasks._thinking == [first], "the other does not wait for it"
    tasks.hear_late_answers()
    assert tasks._thinking == []
    rows = {(notice.sent_at is not None, notice.code) for notice in Notice.objects.all()}
    assert rows == {(True, "250 2.0.0") if answer == "it took it" else (False, "uncertain")}


def test_a_mail_whose_reader_is_gone_holds_up_no_other(reader, smtp, drain, wait_until, caplog):
    smtp.behaviour = Behaviour(delay_s=2)
    reader.sign_up("ada@example.org")
    drain()
    (thinking,) = tasks._thinking
    Subscriber.objects.all().delete()
    wait_until(thinking[0].done, seconds=20, what="the server answers")
    tasks.hear_late_answers()
    assert tasks._thinking == []
    assert "outbox.never_written" in caplog.text
    assert "ada" not in caplog.text


def test_a_worker_that_ends_hears_who_waits_for_a_mail(reader, smtp, drain):
    smtp.behaviour = Behaviour(delay_s=2)
    reader.sign_up("ada@example.org")
    drain()
    assert len(tasks._thinking) == 1
    tasks.stop()
    assert (Notice.objects.get().sent_at is not None, len(smtp.messages), tasks._thinking) == (True, 1, [])


def test_a_worker_that_ends_writes_down_what_it_alone_knows(issue, smtp):
    found = issue(9)
    smtp.behaviour = Behaviour(delay_s=2)
    begin(found)
    tasks.stop()
    assert states() == {"sent": 2, "queued": 7}
    assert Chunk.objects.get().lease_token == ""
