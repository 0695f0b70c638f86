"""That somebody is told when mail goes nowhere."""

from __future__ import annotations

import time

import pytest
from django.utils import timezone

from tests.lab.base import free_port
from webstreet.atoms.newsletter import mail_server
from webstreet.atoms.newsletter.mail_server import Sending, Watch, look
from webstreet.atoms.newsletter.models import Notice
from webstreet.atoms.newsletter.tasks import close_transport, send_notice
from webstreet.contract.health import Part, Ready
from webstreet.testing.smtp import Behaviour, RecordingSmtpServer


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """EMAIL_URL names a port at which nobody listens."""
    monkeypatch.setenv("EMAIL_URL", f"smtp://127.0.0.1:{free_port()}")


@pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
def test_the_worker_says_so_once_when_it_changes(reader, smtp, drain, monkeypatch, caplog) -> None:
    monkeypatch.setattr(mail_server, "sending", Sending())
    told = lambda: [r for r in caplog.records if r.name == mail_server.__name__]  # noqa: E731
    with monkeypatch.context() as away:
        away.setenv("EMAIL_URL", f"smtp://127.0.0.1:{free_port()}")
        for name in ("ada", "grace"):
            reader.sign_up(f"{name}@example.org")
            drain()
    (warning,) = told()
    assert (warning.levelname, warning.getMessage(), warning.code) == (
        "WARNING",
        "mail.cannot_be_sent",
        "mail_server.away",
    )
    assert "example.org" not in caplog.text

    close_transport()
    for notice in Notice.open():
        Notice.objects.filter(pk=notice.pk).update(due_at=timezone.now())
        send_notice.enqueue(notice.pk)
    drain()
    assert len(smtp.messages) == 2
    assert [r.getMessage() for r in told()] == ["mail.cannot_be_sent", "mail.sent_again"]


def test_one_look_at_the_mail_server(smtp, nowhere, monkeypatch) -> None:
    part = look()
    assert (part.ok, part.needed, part.note) == (False, False, "nothing answers at EMAIL_URL: mails wait")
    monkeypatch.setenv("EMAIL_URL", smtp.url)
    assert look().ok
    monkeypatch.setenv("EMAIL_URL", "gopher://user:secret@mail.example")
    assert look().note == "EMAIL_URL cannot be used"


def test_which_of_several_is_away_is_said_by_its_name(smtp, monkeypatch) -> None:
    monkeypatch.setattr(mail_server, "_logins", {})
    away = f"smtp://127.0.0.1:{free_port()}"
    with RecordingSmtpServer(Behaviour(users={"ada": "right"})) as picky:
        refused = f"smtp://ada:hunter2@127.0.0.1:{picky.port}?name=main&order=2"
        monkeypatch.setenv("EMAIL_URL", f"{away} {refused} {smtp.url}?order=3")
        for _ in range(3):
            part = look()
            assert (part.ok, part.note) == (True, "server 1: nothing answers; main: refuses the login")
        assert sum(command.startswith("AUTH") for command in picky.commands) == 1, "it is not tried each time"
        monkeypatch.setenv("EMAIL_URL", f"{away} {refused}")
        assert not look().ok


@pytest.mark.django_db(databases=["default", "newsletter"])
def test_readiness_shows_it_and_needs_it_not(client, nowhere, monkeypatch, wait_until) -> None:
    monkeypatch.setattr(mail_server, "watch", Watch())

    def ask() -> Ready:
        return Ready.model_validate_json(client.get("/-/ready").content)

    def mail() -> bool:
        return next(part for part in ask().parts if part.name == mail_server.PART).ok

    wait_until(lambda: not mail(), seconds=20, what="readiness shows that the mail server is away")
    assert ask().status == "ready"


def test_a_mail_server_that_hangs_holds_nobody_up(monkeypatch) -> None:
    monkeypatch.setattr(mail_server, "look", lambda: time.sleep(1) or Part(name="mail", ok=True))
    began, watch = time.monotonic(), Watch()
    for _ in range(50):
        assert watch.part().note == "not looked at yet"
    assert time.monotonic() - began < 0.5
