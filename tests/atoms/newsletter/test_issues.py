"""One issue for each article, every recipient accounted for, whatever the mail server and the editor do."""

from __future__ import annotations

import datetime as dt
import socket
import threading
import time
from collections import Counter

import pytest
from django.db import connections
from django.utils import timezone

from webstreet.atoms.newsletter import actions, ledger, tasks
from webstreet.atoms.newsletter.models import Chunk, Delivery, Issue, Subscriber
from webstreet.engine import hooks
from webstreet.testing.smtp import Behaviour

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])


def publish(announcement) -> None:
    hooks.call("article_first_public", announcement.uuid)


def states() -> Counter[str]:
    return Counter(Delivery.objects.values_list("state", flat=True))


def sweep() -> None:
    """The sweeper, some time later."""
    Issue.objects.update(woken_at=timezone.now() - dt.timedelta(minutes=1))
    tasks.find_left_work()


def arrived(smtp) -> Counter[str]:
    return Counter(address for message in smtp.messages for address in message.recipients)


@pytest.mark.requirement("P4")
def test_every_active_subscriber_gets_one_mail(announce, subscribers, smtp, drain):
    subscribers(230)
    Subscriber.objects.filter(email="s7@example.org").update(status="unsubscribed")
    Subscriber.objects.create(email="pending@example.org")
    publish(announce())
    drain()
    issue = Issue.objects.get()
    assert issue.state == "finished"
    assert issue.audience == 229 == issue.counts.total == issue.counts.sent
    assert arrived(smtp) == Counter(f"s{i}@example.org" for i in range(230) if i != 7)
    ids = {m.parsed["Message-ID"] for m in smtp.messages}
    assert len(ids) == 229
    mail = smtp.to("s1@example.org")[0]
    subscriber = Subscriber.objects.get(email="s1@example.org")
    assert mail.parsed["Subject"] == "L’été à Besançon"
    assert mail.parsed["To"] == "s1@example.org"
    assert mail.parsed["List-Id"] == '"New articles" <articles.blog.example.com>'
    url = f"https://blog.example.com/fr/newsletter/unsubscribe/{subscriber.unsubscribe_token}/"
    assert mail.parsed["List-Unsubscribe"] == f"<{url}>"
    assert mail.parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail.parsed["Feedback-ID"].split(":")[1:] == ["articles", "groupe-7-test", "webstreet"]
    assert mail.parsed["Message-ID"] == f"<{issue.key.hex}.{subscriber.public_id.hex}@blog.example.com>"
    assert url in mail.body("html")
    assert url in mail.body("plain")
    assert "[1] https://example.org/a" in mail.body("plain")
    assert "Un titre\n--------" in mail.body("plain")
    assert len(mail.content) < 100_000


@pytest.mark.requirement("P4")
def test_one_issue_whatever_comes_after(announce, subscribers, smtp, drain):
    subscribers(3)
    article = announce()
    publish(article)
    drain()
    announce.withdraw(article.uuid)
    publish(article)
    announce.again(article)
    publish(article)
    publish(article)
    drain()
    assert Issue.objects.count() == 1
    assert len(smtp.messages) == 3


def test_threads_at_once_make_one_issue(announce, subscribers, smtp, drain):
    subscribers(20)
    article = announce()
    barrier = threading.Barrier(6)
    errors = []

    def at_once() -> None:
        try:
            barrier.wait(10)
            publish(article)
        except Exception as error:  # noqa: BLE001 shown below
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=at_once) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert errors == []
    drain()
    assert Issue.objects.count() == 1
    assert arrived(smtp) == Counter(f"s{i}@example.org" for i in range(20))


def test_two_workers_at_one_issue_send_nothing_twice(announce, subscribers, smtp, monkeypatch):
    monkeypatch.setattr(ledger, "CHUNK_SIZE", 20)
    subscribers(200)
    publish(announce())
    issue = Issue.objects.get()
    errors = []

    def work() -> None:
        try:
            while tasks.deliver_step(Issue.objects.get(pk=issue.pk)):
                pass
        except Exception as error:  # noqa: BLE001 shown below
            errors.append(error)
        finally:
            tasks.close_transport()
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert issue.chunks.count() == 10
    assert Issue.objects.get().state == "finished"
    assert arrived(smtp) == Counter(f"s{i}@example.org" for i in range(200))


def test_draft_waits_for_the_editor_and_off_makes_nothing(announce, subscribers, smtp, drain, parameters):
    subscribers(2)
    parameters(on_publish="off")
    publish(announce())
    assert Issue.objects.count() == 0
    parameters(on_publish="draft")
    article = announce("Draft")
    publish(article)
    drain()
    issue = Issue.objects.get()
    assert issue.state == "draft"
    assert smtp.messages == []
    announce.again(announce("Corrected title", uuid=article.uuid))
    actions.start_issue(issue, by=1)
    tasks.wake(issue)
    drain()
    assert {m.parsed["Subject"] for m in smtp.messages} == {"Corrected title"}
    assert len(smtp.messages) == 2
    with pytest.raises(actions.IssueConflict):
        actions.start_issue(issue, by=1)


def test_content_and_audience_are_frozen_at_the_start(announce, subscribers, smtp, drain):
    subscribers(3)
    article = announce("Before")
    publish(article)
    issue = Issue.objects.get()
    ledger.freeze_audience(issue)
    subscribers(2, start=3)
    announce.again(announce("After", uuid=article.uuid))
    drain()
    assert {m.parsed["Subject"] for m in smtp.messages} == {"Before"}
    assert len(smtp.messages) == 3


def test_failed_and_deferred_recipients(announce, subscribers, smtp, drain):
    subscribers(10)
    smtp.behaviour = Behaviour(
        recipients={"s3@example.org": "550 5.1.1 s3@example.org unknown", "s5@example.org": "451 4.2.2 full"}
    )
    publish(announce())
    drain()
    issue = Issue.objects.get()
    assert states() == Counter(sent=8, failed=1, deferred=1)
    assert issue.state == "sending"
    failed = Delivery.objects.get(state="failed")
    assert (failed.code, failed.attempts) == ("550 5.1.1", 1)
    smtp.behaviour = Behaviour()
    past = timezone.now() - dt.timedelta(minutes=1)
    Delivery.objects.filter(state="deferred").update(due_at=past)
    Chunk.objects.update(due_at=past)
    sweep()
    drain()
    assert states() == Counter(sent=9, failed=1)
    assert Issue.objects.get().state == "finished"


def test_deferred_for_ever_fails_at_last(announce, subscribers, smtp, drain):
    subscribers(1)
    smtp.behaviour = Behaviour(recipients={"s0@example.org": "451 4.2.2 full"})
    publish(announce())
    for _ in range(ledger.ATTEMPTS):
        drain()
        past = timezone.now() - dt.timedelta(minutes=1)
        Delivery.objects.filter(state="deferred").update(due_at=past)
        Chunk.objects.update(due_at=past)
        sweep()
    drain()
    assert states() == Counter(failed=1)
    assert Issue.objects.get().state == "finished"


@pytest.mark.requirement("P4")
def test_a_dead_mail_server_delays_and_loses_nobody(announce, subscribers, smtp, drain, monkeypatch):
    subscribers(30)
    url = smtp.url
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("EMAIL_URL", f"smtp://127.0.0.1:{unused.getsockname()[1]}")
    started = time.monotonic()
    publish(announce())
    assert time.monotonic() - started < 1
    drain()
    issue = Issue.objects.get()
    assert (issue.state, issue.trouble) == ("waiting", "mail_server.away")
    assert states() == Counter(queued=30)
    assert not Delivery.objects.exclude(attempts=0).exists(), "no recipient is blamed"
    monkeypatch.setenv("EMAIL_URL", url)
    Issue.objects.update(due_at=timezone.now())
    sweep()
    drain()
    assert arrived(smtp) == Counter(f"s{i}@example.org" for i in range(30))
    assert Issue.objects.get().state == "finished"


def test_a_silent_mail_server_delays_and_blames_nobody(announce, subscribers, smtp, queue):
    subscribers(30)
    smtp.behaviour = Behaviour(silent="connect")
    publish(announce())
    issue = Issue.objects.get()
    for _ in range(3):
        began = time.monotonic()
        going_on = tasks.deliver_step(Issue.objects.get(pk=issue.pk))
        assert time.monotonic() - began < 1.5
    issue.refresh_from_db()
    assert (going_on, issue.state, issue.trouble) == (False, "waiting", "mail_server.away")
    assert states() == Counter(queued=30)
    assert not Delivery.objects.exclude(attempts=0).exists(), "no recipient is blamed"


def test_a_refused_sender_pauses_the_issue(announce, subscribers, smtp, drain):
    subscribers(30)
    smtp.behaviour = Behaviour(sender="550 5.7.1 your domain is blocked")
    publish(announce())
    drain()
    issue = Issue.objects.get()
    assert (issue.state, issue.trouble) == ("paused", "sender.policy")
    assert states() == Counter(queued=30)
    smtp.behaviour = Behaviour()
    sweep()
    drain()
    assert smtp.messages == [], "a person has to look first"
    issue.resume()
    sweep()
    drain()
    assert arrived(smtp) == Counter(f"s{i}@example.org" for i in range(30))


@pytest.mark.parametrize("policy", ["hold", "resend"])
def test_no_answer_after_the_content_is_uncertain(announce, subscribers, smtp, drain, parameters, policy):
    parameters(uncertain=policy, connections=1)
    subscribers(5)
    smtp.behaviour = Behaviour(drop="after_data", drop_after=2)
    publish(announce())
    issue = Issue.objects.get()
    tasks.deliver_step(issue)
    smtp.behaviour = Behaviour()
    # A server that hangs up is waited for.
    Issue.objects.update(due_at=timezone.now())
    sweep()
    drain()
    issue.refresh_from_db()
    if policy == "hold":
        assert states()["uncertain"] >= 1
        assert states()["uncertain"] + states()["sent"] == 5
        assert max(arrived(smtp).values()) == 1
    else:
        past = timezone.now() - dt.timedelta(minutes=1)
        Delivery.objects.filter(state="deferred").update(due_at=past)
        Chunk.objects.update(due_at=past)
        sweep()
        drain()
        assert states() == Counter(sent=5)
        again = [a for a, n in arrived(smtp).items() if n == 2]
        assert again
        for address in again:
            assert len({m.parsed["Message-ID"] for m in smtp.to(address)}) == 1
    assert Issue.objects.get().counts.total == 5


def test_pause_resume_and_cancel_take_effect_with_the_next_step(announce, subscribers, smtp, wait_until):
    """A step takes at most a second, so nothing more goes out a second later."""
    subscribers(400)
    smtp.behaviour = Behaviour(delay_s=0.02)
    publish(announce())
    issue = Issue.objects.get()
    stop, steps = threading.Event(), [0]

    def work() -> None:
        try:
            while not stop.is_set():
                more = tasks.deliver_step(Issue.objects.get(pk=issue.pk))
                steps[0] += 1
                if not more:
                    stop.wait(0.05)
        finally:
            tasks.close_transport()
            connections.close_all()

    def pass_steps(count: int) -> None:
        """The one that runs now may have begun before; it counts as none."""
        until = steps[0] + 1 + count
        wait_until(lambda: steps[0] >= until, seconds=60, what="some steps")

    worker = threading.Thread(target=work)
    worker.start()
    try:
        smtp.wait_for(20)
        assert issue.pause()
        pass_steps(0)
        frozen = len(smtp.messages)
        pass_steps(3)
        assert len(smtp.messages) == frozen < 400, "nothing more after the step that was running"
        assert Issue.objects.get().state == "paused"
        assert Issue.objects.get().counts.sending == 0
        assert not issue.pause(), "again is fine"
        assert issue.resume()
        smtp.wait_for(frozen + 20)
        assert issue.cancel()
        pass_steps(0)
        frozen = len(smtp.messages)
        pass_steps(3)
        assert len(smtp.messages) == frozen < 400
    finally:
        stop.set()
        worker.join(20)
    issue.refresh_from_db()
    assert issue.state == "cancelled"
    assert states() == Counter(sent=frozen, suppressed=400 - frozen)
    assert max(arrived(smtp).values()) == 1


def test_unsubscribing_counts_until_the_last_moment(announce, subscribers, smtp, drain):
    made = subscribers(100)
    publish(announce())
    issue = Issue.objects.get()
    smtp.behaviour = Behaviour(delay_s=0.02)
    tasks.deliver_step(issue, budget_s=0.15)
    assert 0 < len(smtp.messages) < 100
    leaving = Subscriber.objects.get(email="s90@example.org")
    actions.unsubscribe(leaving, source="link")
    Subscriber.objects.get(email="s91@example.org").delete()
    drain()
    assert states() == Counter(sent=98, suppressed=1) + Counter(suppressed=1)
    assert "s90@example.org" not in arrived(smtp)
    assert Issue.objects.get().counts.total == 100 == len(made)


def test_a_lease_that_ran_out_becomes_uncertain_and_the_rest_goes_on(announce, subscribers, smtp, drain):
    subscribers(50)
    publish(announce())
    issue = Issue.objects.get()
    ledger.freeze_audience(issue)
    chunk = ledger.claim_chunk(issue)
    rows = ledger.claim_batch(chunk, 10)
    assert issue.counts.claimed == 40
    assert issue.counts.sending == 10
    Chunk.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    sweep()
    drain()
    assert states() == Counter(sent=40, uncertain=10)
    assert {row.email for row in rows}.isdisjoint(arrived(smtp))
    assert Issue.objects.get().state == "finished"
    assert ledger.send_uncertain_again(issue) == 10
    sweep()
    drain()
    assert arrived(smtp) == Counter(f"s{i}@example.org" for i in range(50))


def test_a_slow_worker_whose_lease_was_given_away_does_not_overwrite(announce, subscribers):
    from webstreet.mail.pump import Outcome, Result

    subscribers(1)
    publish(announce())
    issue = Issue.objects.get()
    ledger.freeze_audience(issue)
    first = ledger.claim_chunk(issue)
    (row,) = ledger.claim_batch(first)
    Chunk.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    ledger.take_over_expired(issue)
    ledger.send_uncertain_again(issue)
    second = ledger.claim_chunk(issue)
    (again,) = ledger.claim_batch(second)
    assert again.attempt == 2
    ledger.record(first, [row], [Result(row.delivery_id, Outcome.FAILED, "550")], resend_uncertain=False)
    assert (states(), issue.counts.sending) == (Counter(queued=1), 1)
    ledger.record(second, [again], [Result(again.delivery_id, Outcome.SENT, "250")], resend_uncertain=False)
    ledger.release(first)
    assert not Chunk.objects.get().closed
    ledger.release(second)
    assert Issue.objects.get().state == "finished"


def test_a_late_answer_puts_nobody_into_the_batch_of_another_worker(announce, subscribers):
    from webstreet.mail.pump import Outcome

    subscribers(30)
    publish(announce())
    issue = Issue.objects.get()
    ledger.freeze_audience(issue)
    first = ledger.claim_chunk(issue)
    before, lost = ledger.claim_batch(first, 10), ledger.claim_batch(first, 10)
    ledger.record(first, before, _all(before, Outcome.UNSENT), resend_uncertain=False)
    Chunk.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    ledger.take_over_expired(issue)
    second = ledger.claim_chunk(issue)
    around = ledger.claim_batch(second)
    ids = {row.delivery_id for row in lost}
    assert around[0].delivery_id < min(ids) < max(ids) < around[-1].delivery_id
    ledger.record(first, lost, _all(lost, Outcome.UNSENT), resend_uncertain=False)
    assert states() == Counter(queued=30)
    ledger.record(second, around, _all(around, Outcome.SENT), resend_uncertain=False)
    ledger.release(second)
    assert set(Delivery.objects.filter(state="queued").values_list("pk", flat=True)) == ids
    third = ledger.claim_chunk(issue)
    assert {row.delivery_id for row in ledger.claim_batch(third)} == ids


def _all(rows, outcome):
    from webstreet.mail.pump import Result

    return [Result(row.delivery_id, outcome) for row in rows]


def test_a_withdrawn_article_leaves_a_draft(announce, subscribers, smtp, drain):
    subscribers(1)
    article = announce()
    announce.withdraw(article.uuid)
    publish(article)
    drain()
    issue = Issue.objects.get()
    assert (issue.state, smtp.messages) == ("draft", [])
    with pytest.raises(actions.IssueConflict) as caught:
        actions.start_issue(issue, by=1)
    assert caught.value.error_code == "issue.article_missing"


def test_an_issue_without_audience_is_finished(announce, smtp, drain):
    publish(announce())
    drain()
    issue = Issue.objects.get()
    assert (issue.state, issue.audience, issue.counts.percent) == ("finished", 0, 100)


def test_what_authors_write_stays_text(announce, subscribers, smtp, drain):
    subscribers(1)
    publish(
        announce(
            "Title\r\nBcc: eve@example.org",
            body_html="<p>{{ name }} {% load %} \ue000unsubscribe\ue001</p>",
            author="A <b>",
        )
    )
    drain()
    (mail,) = smtp.messages
    assert mail.parsed["Subject"] == "Title Bcc: eve@example.org"
    assert "Bcc" not in mail.parsed
    assert "{{ name }} {% load %} unsubscribe" in mail.body("plain")
    assert "A &lt;b&gt;" in mail.body("html")


def test_a_lost_task_is_found_by_the_sweeper(announce, subscribers, smtp, drain, queue):
    subscribers(2)
    publish(announce())
    queue.lose()
    assert drain() == 0
    sweep()
    drain()
    assert len(smtp.messages) == 2


def test_waking_often_does_not_fill_the_queue(announce, subscribers, smtp, drain, queue):
    subscribers(2)
    publish(announce())
    for _ in range(5):
        tasks.wake(Issue.objects.get())
        tasks.find_left_work()
    drain()
    assert arrived(smtp) == Counter({"s0@example.org": 1, "s1@example.org": 1})
    assert len(queue) == 0
