"""Limits of sending: who is over one waits for a turn and holds up nobody, all together never exceed it, and a harmful issue stops."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import threading
from collections import Counter
from collections.abc import Callable

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from webstreet.atoms.newsletter import harm, ledger, pacing, tasks
from webstreet.atoms.newsletter.buckets import OrElse, buckets
from webstreet.atoms.newsletter.models import (
    Bucket,
    Change,
    Chunk,
    Delivery,
    Event,
    Issue,
    MailingList,
    Membership,
    Queue,
    SlowDown,
    Subscriber,
)
from webstreet.atoms.newsletter.models.base import alias
from webstreet.atoms.newsletter.receivers import article_first_public
from webstreet.mail import warming
from webstreet.mail.buckets import Limit
from webstreet.mail.url import EmailUrl
from webstreet.testing.smtp import Behaviour

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
GMAIL = {"provider": "gmail", "rate": "1/h"}
"""So slow that nothing comes free during a test: one goes, the others wait."""


@pytest.fixture
def people() -> Callable[..., None]:
    """``people("gmail.com", "example.org", each=30)``: in turn, so that neighbours fare differently."""

    def make(*domains: str, each: int) -> None:
        emails = [f"s{i}@{domain}" for i in range(each) for domain in domains]
        made = Subscriber.objects.bulk_create(Subscriber(email=email, status="active") for email in emails)
        main = MailingList.main()
        Membership.objects.bulk_create(Membership(mailing_list=main, subscriber=s) for s in made)

    return make


@pytest.fixture
def issue(announce, smtp, parameters) -> Callable[..., Issue]:
    """``issue(per_site="5/s")`` starts one with these limits."""

    def start(**sending: object) -> Issue:
        parameters(sending=sending)
        found = announce("Rain", language="en")
        article_first_public(found.uuid)
        return Issue.objects.get(article_uuid=found.uuid)

    tasks.close_transport()
    return start


def page(web: Client, issue: Issue) -> str:
    found = web.get(f"/admin/newsletter/issues/{issue.pk}/status/")
    assert found.status_code == 200
    return re.sub(r"\s+", " ", found.content.decode())


def arrived(smtp) -> Counter[str]:
    return Counter(address for message in smtp.messages for address in message.recipients)


def turns_come() -> None:
    """As if time had passed: every turn is due, and every bucket full."""
    past = timezone.now() - dt.timedelta(seconds=1)
    Delivery.objects.filter(state="deferred").update(due_at=past)
    Chunk.objects.filter(closed=False).update(due_at=past)
    Queue.objects.update(due_at=past)
    Bucket.objects.all().delete()
    pacing_redis_is_emptied()


def pacing_redis_is_emptied() -> None:
    store = buckets()
    if isinstance(store, OrElse):
        client = store._first._redis
        for key in client.scan_iter("*:limit:*"):
            client.delete(key)


@pytest.fixture(autouse=True)
def full_buckets(monkeypatch) -> None:
    pacing_redis_is_emptied()
    monkeypatch.setattr(harm, "SHARE", 1e9)
    harm._not_before.clear()


def wake_all(drain) -> None:
    Issue.objects.update(woken_at=timezone.now() - dt.timedelta(minutes=1))
    tasks.find_left_work()
    drain()


# -- Providers -------------------------------------------------------------------------------------------------------
@pytest.mark.requirement("P4")
def test_who_is_over_a_providers_limit_waits_and_holds_up_nobody(issue, people, smtp, drain, editor):
    people("gmail.com", "example.org", "googlemail.com", each=30)
    made = issue(provider_rates=[GMAIL])
    drain()
    got = arrived(smtp)
    assert sum(n for address, n in got.items() if address.endswith("@example.org")) == 30, "nobody else waits"
    assert len(got) == 31, "and one of both domains of that provider"
    counts = made.counts
    assert (counts.sent, counts.held, counts.deferred, counts.queued, counts.total) == (31, 59, 0, 0, 90)
    waiting = Delivery.objects.filter(state="deferred")
    assert set(waiting.values_list("code", "attempts")) == {("limit", 0)}
    assert all(due > timezone.now() for due in waiting.values_list("due_at", flat=True))
    shown = page(editor, made)
    assert "Limit of Gmail: 1 an hour. Others do not wait." in shown
    assert "Nobody: no failure, nothing uncertain." in shown, "waiting is no failure"
    assert "It will be over at about" in shown
    listed = editor.get(f"/admin/newsletter/issues/{made.pk}/recipients/?state=held").content.decode()
    assert listed.count("Waiting for its turn") >= 59
    assert "s0@example.org" not in listed
    refused = editor.get(f"/admin/newsletter/issues/{made.pk}/recipients/?state=deferred").content.decode()
    assert "mail.com</a>" not in refused


@pytest.mark.requirement("P4")
def test_each_turn_comes_and_everybody_gets_one(issue, people, smtp, drain):
    people("gmail.com", "example.org", each=25)
    made = issue(provider_rates=[{"provider": "gmail", "rate": "4/h"}, {"provider": "others", "rate": "6/s"}])
    drain()
    for _ in range(60):
        if made.counts.open == 0:
            break
        turns_come()
        wake_all(drain)
    made.refresh_from_db()
    assert made.is_finished
    assert (made.counts.sent, made.counts.total) == (50, 50)
    assert set(arrived(smtp).values()) == {1}
    assert len(arrived(smtp)) == 50
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {1}, "waiting is no attempt"


def test_turns_follow_one_another_and_rows_are_not_written_again_and_again(issue, people, drain):
    people("gmail.com", each=40)
    made = issue(provider_rates=[{"provider": "gmail", "rate": "10/min"}])
    drain()
    turns = sorted(Delivery.objects.filter(code="limit").values_list("due_at", flat=True))
    assert len(turns) == 39
    assert turns[-1] - turns[0] == pytest.approx(dt.timedelta(seconds=38 * 6), abs=dt.timedelta(seconds=2))
    before = list(Delivery.objects.order_by("pk").values("pk", "due_at", "changed_at"))
    wake_all(drain)
    tasks.deliver_step(made)
    assert list(Delivery.objects.order_by("pk").values("pk", "due_at", "changed_at")) == before
    assert Chunk.objects.get().due_at == turns[0]


def test_who_was_told_to_come_back_keeps_the_servers_words_while_waiting(issue, people, smtp, drain):
    people("gmail.com", each=3)
    smtp.behaviour = Behaviour(recipients={f"s{i}@gmail.com": "450 4.2.2 mailbox full" for i in range(3)})
    made = issue()
    drain()
    assert made.counts.deferred == 3
    turns_come()
    smtp.behaviour = Behaviour()
    from webstreet.atoms.newsletter import mails

    assert mails.parameters().sending.provider_rates == []
    made_gate = pacing.Gate(
        made, {}, None, pacing.Families({"gmail": pacing.Limit.of_rate(0.001)}, None, {}), pacing.buckets(), 1e12
    )
    lease = ledger.claim_chunk(made)
    rows = ledger.claim_batch(lease, 10, made_gate)
    assert len(rows) == 1
    ledger.release(lease)
    waits = Delivery.objects.filter(due_at__gt=timezone.now())
    assert set(waits.values_list("state", "code", "reply", "attempts")) == {
        ("deferred", "450 4.2.2", "mailbox full", 1)
    }
    assert waits.count() == 2
    assert (made.counts.held, made.counts.deferred) == (0, 3)


def test_a_lost_worker_makes_nobody_uncertain_who_waits(issue, people):
    people("gmail.com", "example.org", each=10)
    made = issue()
    ledger.freeze_audience(made)
    gate = pacing.Gate(
        made, {}, None, pacing.Families({"gmail": pacing.Limit.of_rate(0.001)}, None, {}), pacing.buckets(), 1e12
    )
    lease = ledger.claim_chunk(made)
    assert len(ledger.claim_batch(lease, 20, gate)) == 11
    live = made.counts
    assert (live.sending, live.held, live.total) == (11, 9, 20)
    # A turn that comes while others are under way: it is of none of their batches.
    Delivery.objects.filter(code="limit").update(due_at=timezone.now() - dt.timedelta(minutes=1))
    assert made.counts == live
    found = ledger._waiting(dataclasses.replace(lease, after=0), timezone.now(), 50)
    assert len(found) == 11
    Chunk.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    ledger.take_over_expired(made)
    assert (made.counts.uncertain, made.counts.held, made.counts.total) == (11, 9, 20)


@pytest.mark.requirement("P4")
def test_workers_at_once_never_exceed_a_limit_together(issue, people, smtp):
    people("gmail.com", "example.org", each=60)
    made = issue(provider_rates=[{"provider": "gmail", "rate": "12/min"}, GMAIL | {"provider": "yahoo"}])
    ledger.freeze_audience(made)
    last = list(Delivery.objects.order_by("-pk").values_list("pk", flat=True)[:60])
    Delivery.objects.filter(pk__in=last).update(number=2)
    Chunk.objects.create(issue=made, number=2, due_at=timezone.now())
    began, errors = timezone.now(), []

    def work() -> None:
        try:
            for _ in range(3):
                tasks.deliver_step(Issue.objects.get(pk=made.pk))
        except BaseException as error:  # noqa: BLE001 shown below
            errors.append(error)
        finally:
            tasks.close_transport()
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert errors == []
    got = arrived(smtp)
    of_gmail = sum(n for address, n in got.items() if address.endswith("@gmail.com"))
    seconds = (timezone.now() - began).total_seconds()
    assert 1 <= of_gmail <= 1 + seconds * 12 / 60 + 1
    assert len(got) - of_gmail == 60
    assert max(got.values()) == 1


# -- The site, the mail server ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["site", "server"])
def test_a_limit_of_all_makes_the_issue_wait_and_writes_no_row(issue, people, smtp, drain, editor, name, monkeypatch):
    people("example.org", each=40)
    if name == "server":
        monkeypatch.setenv("EMAIL_URL", f"{smtp.url}?rate=6/min")
    made = issue(**({"per_site": "6/min"} if name == "site" else {}))
    drain()
    assert len(arrived(smtp)) == 1
    made.refresh_from_db()
    assert made.held == name
    assert made.due_at > timezone.now()
    assert made.counts.queued == 39
    assert not Delivery.objects.exclude(due_at=None).exists()
    assert str(made.state) == "sending", "it goes on, only slowly"
    words = {"site": "Limit of this site: 6 a minute.", "server": "Limit of the mail server: 6 a minute."}
    assert words[name] in page(editor, made)
    moment = pacing.next_turn(made)
    assert moment is not None
    assert timezone.now() < moment <= made.due_at + dt.timedelta(seconds=1)
    assert tasks._next_moment() is not None, "this process wakes up for it by itself"


@pytest.mark.requirement("P4")
def test_each_of_several_mail_servers_gets_its_part_within_its_own_limit():
    urls = EmailUrl.parse_all(
        "smtp://a:25?rate=30/h&weight=3 smtp://b:25?rate=20/h&weight=1 smtp://c:25?rate=5/h&order=2 smtp://d:25?order=2"
    )
    both = pacing.servers_of(urls)
    assert sorted((one.limit.per_s * 3600, one.part) for one in both.values()) == [(20, 0.25), (30, 0.75)]
    alone = pacing.servers_of(urls, {"a:25"})
    assert [(one.limit.per_s * 3600, one.part) for one in alone.values()] == [(20, 1.0)]
    second = pacing.servers_of(urls, {"a:25", "b:25"})
    assert [(one.limit.per_s * 3600, one.part) for one in second.values()] == [(5, 0.5)], "the other has none"
    limits = {"a": pacing.Shared(Limit(0.001, 30), 0.75), "b": pacing.Shared(Limit(0.001, 20), 0.25)}
    gate = pacing.Gate(Issue(), limits, None, pacing.Families({}, None, {}), pacing.buckets(), 1e12)
    first = gate.allow(1000)
    assert first == 40, "three quarters of it are all that the first takes"
    assert gate.allow(1000) == 0
    gate.give_back(20, 40)
    assert gate.allow(1000) == 20


def test_another_issue_is_not_held_up_by_one_that_waits(issue, people, smtp, drain):
    people("gmail.com", each=5)
    issue(provider_rates=[GMAIL])
    drain()
    people("example.org", each=5)
    issue(provider_rates=[GMAIL])
    drain()
    assert sum(address.endswith("@example.org") for address in arrived(smtp)) == 5


def test_a_mail_that_somebody_waits_for_goes_ahead_and_counts(issue, people, smtp, drain, parameters):
    people("example.org", each=3)
    parameters(sending={"per_site": "6/min"})
    for _ in range(3):
        pacing.spend_one("ada@example.org", {})
    issue(per_site="6/min")
    drain()
    assert arrived(smtp) == Counter(), "those three were the site's share"


@pytest.mark.requirement("P4")
def test_without_limits_a_batch_asks_nothing(issue, people):
    people("gmail.com", "example.org", each=200)
    made = issue()
    ledger.freeze_audience(made)
    with CaptureQueriesContext(connections[alias()]) as asked:
        tasks.deliver_step(made)
    limits = [q["sql"] for q in asked if re.search("newsletter_(bucket|queue|slowdown)", q["sql"])]
    assert len(limits) == 1, "one look a step whether a provider asked for less"


# -- Hours and days --------------------------------------------------------------------------------------------------
def around_now(**more: object) -> dict[str, object]:
    """Quiet hours that began an hour ago."""
    now = timezone.now()
    begin, end = now - dt.timedelta(hours=1), now + dt.timedelta(hours=2)
    return {"quiet_from": f"{begin:%H:%M}", "quiet_until": f"{end:%H:%M}", **more}


@pytest.mark.requirement("P4")
def test_in_quiet_hours_nothing_goes_and_it_goes_on_by_itself(issue, people, smtp, drain, editor, parameters):
    people("example.org", each=5)
    made = issue(**around_now())
    drain()
    made.refresh_from_db()
    assert smtp.messages == []
    assert (made.counts.queued, made.held, str(made.state)) == (5, "quiet", "held")
    assert made.frozen_at is not None, "whoever subscribes now is not of it"
    people("example.net", each=1)
    assert "Quiet hours: nothing is sent until" in page(editor, made)
    parameters(sending={})
    for _ in range(20):
        Issue.objects.update(due_at=timezone.now())
        wake_all(drain)
        made.refresh_from_db()
        if made.is_finished:
            break
    assert len(arrived(smtp)) == 5
    assert (made.held, str(made.state)) == (None, "finished")


@pytest.mark.requirement("P4")
def test_a_new_sender_sends_its_share_of_the_day(issue, people, smtp, drain, editor):
    people("example.org", each=warming.CURVE[0] + 20)
    made = issue(warm_up_since=f"{timezone.now():%Y-%m-%d}")
    drain()
    made.refresh_from_db()
    assert len(arrived(smtp)) == warming.CURVE[0]
    assert (made.counts.queued, made.held, str(made.state)) == (20, "warm_up", "held")
    midnight = made.due_at
    assert (midnight.hour, midnight.minute) == (0, 0)
    assert midnight > timezone.now()
    shown = page(editor, made)
    assert "Warm-up: this day’s share of 50 mails is sent." in shown
    assert "Send now anyway" in shown


def test_a_held_issue_still_writes_its_audience_down(issue, people, smtp, drain, monkeypatch):
    monkeypatch.setattr(ledger, "CHUNK_SIZE", 10)
    people("example.org", each=warming.CURVE[0] + 30)
    made = issue(warm_up_since=f"{timezone.now():%Y-%m-%d}")
    really = pacing.gate_of
    monkeypatch.setattr(pacing, "gate_of", lambda *of: (Bucket.objects.update(spent=1000), really(*of))[1])
    drain()
    made.refresh_from_db()
    assert made.frozen_at is not None
    assert made.counts.total == warming.CURVE[0] + 30


def test_an_editor_sends_now_anyway(issue, people, smtp, drain, editor):
    people("example.org", each=70)
    made = issue(warm_up_since=f"{timezone.now():%Y-%m-%d}", **around_now())
    drain()
    assert smtp.messages == []
    editor.post(f"/admin/newsletter/issues/{made.pk}/hurry/")
    drain()
    assert len(arrived(smtp)) == 70
    assert Change.objects.filter(verb="hurried", noun_id=made.pk).count() == 1
    editor.post(f"/admin/newsletter/issues/{made.pk}/hurry/")
    assert Change.objects.filter(verb="hurried").count() == 1, "there is nothing left to hurry"


def test_what_was_not_taken_does_not_count_for_the_day(issue, people, smtp, drain):
    people("example.org", each=10)
    smtp.behaviour = Behaviour(greeting="421 4.3.2 busy")
    made = issue(warm_up_since=f"{timezone.now():%Y-%m-%d}")
    drain()
    assert made.counts.queued == 10
    assert Bucket.objects.get(name__startswith="warm-up").spent == 0


# -- Providers that ask for less -------------------------------------------------------------------------------------
@pytest.mark.requirement("P4")
def test_a_provider_that_asks_for_less_gets_less_and_step_by_step_more(issue, people, smtp, drain, editor):
    people("gmail.com", "example.org", each=3)
    smtp.behaviour = Behaviour(
        recipients={"s1@gmail.com": "421-4.7.28 our system has detected an unusual rate of mail"}
    )
    made = issue()
    drain()
    assert list(SlowDown.objects.values_list("family", "steps")) == [("gmail", 1)]
    now = timezone.now()
    found = pacing.families_now(pacing.Sending(), now)
    assert found.limit("gmail").per_s == pytest.approx(10), "half of what we would have recommended"
    assert found.limit("example.org") is None
    assert pacing.families_now(pacing.Sending(), now + pacing.RECOVER).limit("gmail") is None
    pacing.note_slow_downs({"gmail": "421 4.7.28"}, now + dt.timedelta(seconds=10))
    assert SlowDown.objects.get().steps == 1, "a reply that was on its way with the first"
    pacing.note_slow_downs({"gmail": "421 4.7.28"}, now + dt.timedelta(minutes=2))
    later = now + dt.timedelta(minutes=3)
    assert pacing.families_now(pacing.Sending(), later).limit("gmail").per_s == pytest.approx(5)
    assert pacing.families_now(pacing.Sending(), later + pacing.RECOVER).limit("gmail").per_s == pytest.approx(10)
    for n in range(20):
        pacing.note_slow_downs({"gmail": "421 4.7.28"}, now + dt.timedelta(minutes=2 + n * 2))
    assert SlowDown.objects.get().steps <= pacing.STEPS_MAX
    Queue.objects.create(issue=made, family="gmail", due_at=now + dt.timedelta(hours=1))
    assert "Gmail asked to get less" in page(editor, made)


# -- Harm ------------------------------------------------------------------------------------------------------------
NO = "550 5.1.1 no such user here"


@pytest.mark.requirement("P4")
def test_an_issue_to_people_who_do_not_exist_pauses_itself_and_says_why(issue, people, smtp, drain, editor):
    people("example.org", each=300)
    # All among those who are asked before anything is concluded: the rest is to go through, wherever in it the issue was paused.
    smtp.behaviour = Behaviour(recipients={f"s{i}@example.org": NO for i in range(0, 100, 5)})
    made = issue(pause_after=100, per_site="100/s")
    drain()
    made.refresh_from_db()
    assert (str(made.state), made.trouble) == ("paused", "issue.bounces")
    shown = page(editor, made)
    assert re.search(r"\d+ of \d+ addresses that were asked for do not exist: [\d.]+ %, more than the 5 %", shown)
    assert "<code>issue.bounces</code>" in shown
    assert "refused the sender" not in shown
    assert list(Change.objects.filter(verb="paused").values_list("noun_id", "user_id")) == [(made.pk, None)]
    assert len(arrived(smtp)) < 280
    editor.post(f"/admin/newsletter/issues/{made.pk}/resume/")
    for _ in range(20):
        turns_come()
        Issue.objects.update(due_at=timezone.now())
        wake_all(drain)
    made.refresh_from_db()
    assert str(made.state) == "finished", "the same people do not stop it again"
    assert made.trouble == ""
    assert (made.counts.total, made.counts.failed) == (300, 20)


def test_few_or_small_is_not_concluded_from(issue, people, smtp, drain):
    people("example.org", each=30)
    smtp.behaviour = Behaviour(recipients={f"s{i}@example.org": NO for i in range(15)})
    made = issue()
    drain()
    made.refresh_from_db()
    assert made.counts.failed == 15
    assert str(made.state) == "finished"


def test_complaints_stop_an_issue(issue, people, drain, editor):
    people("example.org", each=5)
    made = issue()
    ledger.freeze_audience(made)
    Delivery.objects.update(state="sent", code="250")
    Subscriber.objects.bulk_create(Subscriber(email=f"more{i}@example.org", status="active") for i in range(400))
    Delivery.objects.bulk_create(
        Delivery(issue=made, subscriber=s, number=1, state="sent" if i else "queued", changed_at=timezone.now())
        for i, s in enumerate(Subscriber.objects.filter(email__startswith="more"))
    )
    Chunk.objects.update(total=405, sent=404, deferred=0, failed=0, suppressed=0, uncertain=0, held=0)
    for n in range(1, 4):
        row = Delivery.objects.filter(state="sent")[n]
        Event.objects.create(
            key=f"complaint {n}", kind="complaint", source="mailbox", issue=made, delivery_id=row.pk, at=timezone.now()
        )
        harm.check_all([made.pk, None])
        made.refresh_from_db()
        assert bool(made.paused_at) is (n == 3), "one or two wrong buttons stop nothing"
    assert made.trouble == "issue.complaints"
    assert "3 of 404 mails were reported as spam: 0.74 %, more than the 0.3 %" in page(editor, made)
