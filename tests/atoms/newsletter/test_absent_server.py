"""A mail server that is away for long: a mail that one person waits for is not lost, and editors see that it waits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from itertools import pairwise

import pytest
from django.db.models import F
from django.test import Client
from django.utils import timezone

from tests.lab.base import free_port
from webstreet.atoms.newsletter import mail_server
from webstreet.atoms.newsletter.mail_server import Sending
from webstreet.atoms.newsletter.models import Notice, Subscriber, Token
from webstreet.atoms.newsletter.models.notice import AGAIN_MAX, ATTEMPTS
from webstreet.atoms.newsletter.tasks import find_left_work
from webstreet.testing.smtp import Behaviour, RecordingSmtpServer

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
ADDRESS = "ada@example.org"
DAY = dt.timedelta(days=1)
KINDS = ["confirm", "welcome", "address", "moved", "data"]


@pytest.fixture(autouse=True)
def anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was sent by this process yet."""
    monkeypatch.setattr(mail_server, "sending", Sending())


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch, smtp: RecordingSmtpServer) -> Callable[[bool], None]:
    """``away(True)``: nobody listens at EMAIL_URL; ``away(False)``: the recording server does."""

    def change(is_away: bool) -> None:
        monkeypatch.setenv("EMAIL_URL", f"smtp://127.0.0.1:{free_port()}" if is_away else smtp.url)

    return change


def make(kind: str = "confirm", address: str = ADDRESS) -> Notice:
    person = Subscriber.objects.create(email=address, status="active" if kind == "welcome" else "pending")
    return Notice.objects.create(kind=kind, subscriber=person)


def pass_by(time: dt.timedelta) -> None:
    """As if ``time`` had gone by."""
    Notice.objects.update(created_at=F("created_at") - time, due_at=F("due_at") - time)


def after_its_delay(drain: Callable[[], int]) -> dt.timedelta:
    """Let the mail's time come and the worker try; the delay until the next one."""
    wait = Notice.objects.get().due_at - timezone.now()
    pass_by(max(wait, dt.timedelta(0)) + dt.timedelta(seconds=6))
    find_left_work()
    drain()
    notice = Notice.objects.get()
    return notice.due_at - timezone.now()


@pytest.mark.requirement("P4")
def test_a_confirmation_outlives_a_weekend_without_mail_server(reader, drain, smtp, away, editor):
    away(True)
    reader.sign_up(ADDRESS)
    drain()
    delays = [after_its_delay(drain) for _ in range(ATTEMPTS + 5)]
    assert dt.timedelta(seconds=15) < delays[0] < dt.timedelta(minutes=1)
    assert all(late > early * 1.5 for early, late in pairwise(delays[:5])), delays
    assert dt.timedelta(minutes=9, seconds=30) < delays[-1] <= dt.timedelta(minutes=10)
    pass_by(2.5 * DAY)
    after_its_delay(drain)
    notice = Notice.objects.get()
    assert (notice.given_up_at, notice.code, notice.attempts) == (None, "mail_server.away", 0)
    away(False)
    after_its_delay(drain)
    assert [message.recipients for message in smtp.messages] == [[ADDRESS]]
    assert Token.objects.count() == 1, "of tries in which nothing left us no link is left"
    assert reader.web.post(reader.link(ADDRESS, "confirm")).status_code in (200, 302)
    assert Subscriber.objects.get().is_active, "its link counts from when it left"


TROUBLES = {
    "mail_server.busy": Behaviour(greeting="421 4.3.2 come back later"),
    "sender.policy": Behaviour(sender="550 5.7.1 not from here"),
}


@pytest.mark.parametrize("code", sorted(TROUBLES))
def test_what_the_server_says_about_us_is_no_attempt(code, smtp, drain, monkeypatch):
    monkeypatch.setattr("webstreet.mail.smtp.AWAY_S", 0)
    smtp.behaviour = TROUBLES[code]
    make()
    for _ in range(ATTEMPTS + 1):
        after_its_delay(drain)
    notice = Notice.objects.get()
    assert (notice.given_up_at, notice.code, notice.attempts) == (None, code, 0)
    assert smtp.connections
    smtp.behaviour = Behaviour()
    after_its_delay(drain)
    assert len(smtp.messages) == 1


def test_what_it_says_about_the_recipient_is_one(smtp, drain, editor):
    smtp.behaviour = Behaviour(recipients={ADDRESS: "450 4.2.2 full"})
    make()
    for number in range(1, ATTEMPTS):
        after_its_delay(drain)
        assert (Notice.objects.get().attempts, Notice.objects.get().given_up_at) == (number, None)
    assert "1 mail to a person is tried again later" in panel(editor)
    after_its_delay(drain)
    assert Notice.objects.get().given_up_at
    assert "1 mail to a person was given up" in panel(editor)


def test_a_refusal_of_the_recipient_by_a_provider_is_no_mail_given_up(editor):
    for code in ("422", "550 5.1.1"):
        notice = make(address=f"{code[:3]}@example.org")
        notice.attempts = 1
        notice.save()
        notice.give_up(code)
    assert "given up" not in panel(editor)


def test_at_last_nothing_waits_any_more(drain, smtp, away):
    away(True)
    make("welcome")
    after_its_delay(drain)
    pass_by(30 * DAY)
    after_its_delay(drain)
    assert Notice.objects.get().given_up_at


def test_who_was_ended_meanwhile_stays_so(drain, smtp, away):
    away(True)
    make()
    late = Notice.objects.get()
    Notice.objects.update(given_up_at=timezone.now(), code="replaced")
    late.wait_for_server("mail_server.away")
    assert Notice.objects.get().code == "replaced"


@pytest.mark.parametrize("kind", KINDS)
def test_whoever_asked_for_a_link_gets_it_within_a_week_or_not(kind, drain, smtp, away, caplog):
    away(True)
    make(kind)
    after_its_delay(drain)
    pass_by(6 * DAY)
    after_its_delay(drain)
    assert Notice.objects.get().given_up_at is None
    pass_by(1 * DAY)
    after_its_delay(drain)
    is_link = kind in ("confirm", "address", "data")
    assert bool(Notice.objects.get().given_up_at) is is_link
    told = [record for record in caplog.records if record.getMessage() == "mail.given_up"]
    assert [(record.notice, record.code) for record in told] == [
        (Notice.objects.get().pk, "mail_server.away")
    ] * is_link
    away(False)
    pass_by(AGAIN_MAX)
    pass_by(dt.timedelta(seconds=6))
    find_left_work()
    drain()
    assert len(smtp.messages) == (not is_link)


def test_who_asks_again_meanwhile_gets_one_mail(reader, drain, smtp, away, editor):
    away(True)
    reader.sign_up(ADDRESS)
    drain()
    pass_by(1.5 * DAY)
    Subscriber.objects.update(confirmation_asked_at=F("confirmation_asked_at") - 1.5 * DAY)
    reader.sign_up(ADDRESS)
    drain()
    assert sorted(Notice.objects.values_list("code", flat=True)) == ["mail_server.away", "replaced"]
    assert "given up" not in panel(editor)
    away(False)
    pass_by(DAY)
    find_left_work()
    drain()
    assert len(smtp.messages) == 1


def test_editors_see_what_waits_and_what_was_given_up(editor, drain, smtp, away):
    assert "person" not in panel(editor)
    away(True)
    for number in range(3):
        make(address=f"a{number}@example.org")
    find_left_work()
    pass_by(dt.timedelta(minutes=1))
    find_left_work()
    drain()
    assert "3 mails to people wait: the mail server does not take mail right now." in panel(editor)
    Notice.objects.filter(subscriber__email="a0@example.org").update(code="sender.policy")
    assert "1 mail to a person waits: the mail server refuses the sender" in panel(editor)
    pass_by(8 * DAY)
    find_left_work()
    drain()
    assert "3 mails to people were given up in the last 30 days" in panel(editor)
    Notice.objects.update(given_up_at=F("given_up_at") - 31 * DAY)
    assert "given up" not in panel(editor)


def panel(editor: Client) -> str:
    return editor.get("/admin/newsletter/delivering/").content.decode()
