"""Worker processes at one issue: four at once mail everybody once; pausing, resuming and cancelling reach one that is in full swing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.atoms.newsletter.workshop import Workshop
from webstreet.mail.pump import OPEN_MAX
from webstreet.testing.smtp import Behaviour

WORKERS, AUDIENCE, BATCH = 4, 2_000, 20
CONNECTIONS = 4
"""Of each worker, as the newsletter's parameter says by itself."""
MAKE = f"""
from webstreet.atoms.newsletter.models import MailingList, Membership, Subscriber
main = MailingList.main()
made = Subscriber.objects.bulk_create(Subscriber(email=f"s{{i}}@example.org", status="active") for i in range({AUDIENCE}))
made = made if made[0].pk else Subscriber.objects.all()
Membership.objects.bulk_create(Membership(mailing_list=main, subscriber=s) for s in made)
"""
SMALL_CHUNKS = """
from webstreet.atoms.newsletter import ledger
ledger.CHUNK_SIZE = 200
"""
SMALL_BATCHES = f"""
from webstreet.mail.pump import Pace
Pace.MOST = {BATCH}
"""
EDITOR = """
import json, sys, uuid
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone
from webstreet.atoms.newsletter import tasks
from webstreet.atoms.newsletter.models import Chunk, Delivery, Issue, MailingList
from webstreet.engine.tasks.heartbeat import WorkerSeen
web = Client(HTTP_HOST="127.0.0.1:8000")
web.force_login(get_user_model().objects.create_superuser("ada", "ada@example.org", "secret"))
web.get("/admin/newsletter/issues/")  # so that the first press of a button does not wait for all that is loaded once
for line in sys.stdin:
    word, issue = line.strip(), Issue.objects.first()
    if word == "workers":
        found = WorkerSeen.objects.count()
    elif word == "begin":
        found = Issue.objects.create(article_uuid=uuid.uuid4(), mailing_list=MailingList.main(), subject="Issue", language="en",
            html="<p>Hello <a href='\\ue000unsubscribe\\ue001'>x</a></p>", text="Hello \\ue000unsubscribe\\ue001",
            started_at=timezone.now())
        tasks.wake(found)
        found = found.pk
    elif word == "look":
        found = {"state": str(issue.state), "leased": Chunk.objects.exclude(lease_token="").count(), "total": issue.counts.total}
    elif word == "rows":
        found = dict(Delivery.objects.values_list("subscriber__email", "state"))
    else:
        found = web.post(f"/admin/newsletter/issues/{issue.pk}/{word}/").status_code
    print(json.dumps(found), flush=True)
"""


class Editor:
    """Somebody at the site's admin, in a process of their own."""

    def __init__(self, environ: dict[str, str]) -> None:
        command = [sys.executable, "-m", "webstreet.engine", "manage", "shell", "--no-imports", "-c", EDITOR]
        self._process = subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, word: str) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def end(self) -> None:
        self._process.kill()
        self._process.wait(10)


@pytest.fixture
def at_site() -> Iterator[Callable[..., Any]]:
    """``at_site(Workshop, environ)`` makes one that ends with the test."""
    made: list[Any] = []

    def make(kind: Callable[..., Any], *given: Any) -> Any:
        made.append(kind(*given))
        return made[-1]

    yield make
    for each in made:
        each.end()


@pytest.mark.timeout(300)
@pytest.mark.requirement("P4")
@pytest.mark.parametrize("place", ["embedded", "postgresql", "mariadb"])
def test_four_workers_mail_everybody_once(place, site_processes, databases_on, at_site, smtp, wait_until) -> None:
    site = site_processes(EMAIL_URL=smtp.url, **databases_on(place))
    assert site.run("prepare", timeout=200).returncode == 0
    smtp.behaviour = Behaviour(delay_s=0.05)
    shop, editor = at_site(Workshop, site.environ, MAKE + SMALL_CHUNKS), at_site(Editor, site.environ)
    for _ in range(WORKERS):
        shop.start()
    wait_until(lambda: editor.ask("workers") == WORKERS, seconds=60, what="the workers are there")
    editor.ask("begin")
    at_once = 0

    def finished() -> bool:
        nonlocal at_once
        at_once = max(at_once, len(smtp.sessions))
        return bool(editor.ask("look")["state"] == "finished")

    wait_until(finished, seconds=120, what="the issue finishes")
    assert at_once > (WORKERS - 1) * CONNECTIONS, "each of them was at it"
    arrived = Counter(address for message in smtp.messages for address in message.recipients)
    assert arrived == {f"s{number}@example.org": 1 for number in range(AUDIENCE)}
    assert editor.ask("rows") == dict.fromkeys(arrived, "sent")
    assert editor.ask("look")["total"] == AUDIENCE


@pytest.mark.timeout(300)
@pytest.mark.requirement("P4")
def test_pause_resume_and_cancel_reach_a_worker_in_full_swing(site_processes, at_site, smtp, wait_until) -> None:
    """After the editor's page has answered, no more arrives than was handed over: the open batches. It is not a matter of seconds."""
    site = site_processes(EMAIL_URL=smtp.url)
    assert site.run("prepare", timeout=200).returncode == 0
    smtp.behaviour = Behaviour(delay_s=0.01)
    shop, editor = at_site(Workshop, site.environ, MAKE + SMALL_BATCHES), at_site(Editor, site.environ)
    shop.start()
    editor.ask("begin")

    def stop(verb: str) -> None:
        smtp.wait_for(len(smtp.messages) + 10 * BATCH, timeout_s=60)
        assert editor.ask(verb) == 302
        before = len(smtp.messages)
        wait_until(lambda: not editor.ask("look")["leased"], seconds=60, what="the worker gives back what it has")
        assert len(smtp.messages) - before <= OPEN_MAX * BATCH, f"{verb}: the open batches at most"
        assert len(smtp.messages) < AUDIENCE

    stop("pause")
    assert editor.ask("look")["state"] == "paused"
    frozen = len(smtp.messages)
    assert editor.ask("resume") == 302
    smtp.wait_for(frozen + BATCH, timeout_s=60)
    stop("cancel")
    assert editor.ask("look")["state"] == "cancelled"
    rows = editor.ask("rows")
    arrived = [address for message in smtp.messages for address in message.recipients]
    assert sorted(arrived) == sorted(address for address, state in rows.items() if state == "sent")
    assert len(arrived) == len(set(arrived))
