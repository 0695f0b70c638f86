"""Two workers send an issue to 20,000 while one of them after the other is killed at random; on each database."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from webstreet.testing.smtp import RecordingSmtpServer

AUDIENCE, KILLS, WORKERS, BATCH = 20_000, 20, 2, 100
MAKE = f"""
import uuid
from django.utils import timezone
from webstreet.atoms.newsletter.models import Issue, MailingList, Membership, Subscriber
main = MailingList.main()
made = Subscriber.objects.bulk_create(Subscriber(email=f"s{{i}}@example.org", status="active") for i in range({AUDIENCE}))
Membership.objects.bulk_create(Membership(mailing_list=main, subscriber=s) for s in made)
Issue.objects.create(article_uuid=uuid.uuid4(), mailing_list=main, subject="Issue", language="en", started_at=timezone.now(),
    html="<p>Hello <a href='\\ue000unsubscribe\\ue001'>x</a></p>", text="Hello \\ue000unsubscribe\\ue001")
"""
WORKSHOP = f"""
import dataclasses, datetime as dt, os, signal, sys
from django.db import connections
from webstreet.atoms.newsletter import ledger
from webstreet.engine.tasks import ticks
from webstreet.engine.tasks.worker import work
from webstreet.mail.pump import Pace
# Everything as it is, but sooner: what is waited for when a worker was killed.
ledger.LEASE = dt.timedelta(seconds=3)
Pace.MOST = {BATCH}
for name, tick in ticks.items():
    ticks[name] = dataclasses.replace(tick, seconds=min(tick.seconds, 1))
connections.close_all()
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for line in sys.stdin:
    pid = os.fork()
    if not pid:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os._exit(work())
    print(pid, flush=True)
"""
LEDGER = """
import json
from webstreet.atoms.newsletter.models import Delivery, Issue
issue = Issue.objects.get()
state = str(issue.state)  # before the rows: who finishes between the two would have left some of them in the queue
rows = dict(Delivery.objects.values_list("subscriber__email", "state"))
again = list(Delivery.objects.filter(attempts=2).values_list("subscriber__email", flat=True))
found = {"state": state, "total": issue.counts.total, "counted": issue.counts.uncertain, "rows": rows, "again": again}
print(json.dumps(found))
"""
TRY_AGAIN = """
from webstreet.atoms.newsletter import ledger
from webstreet.atoms.newsletter.models import Issue
print(ledger.send_uncertain_again(Issue.objects.get()))
"""


class Workshop:
    """Makes worker processes quickly: they are forked from one that has loaded everything."""

    def __init__(self, environ: dict[str, str]) -> None:
        command = [sys.executable, "-m", "webstreet.engine", "manage", "shell", "--no-imports", "-c", WORKSHOP]
        self._process = subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.workers: list[int] = []

    def start(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        self.workers.append(int(self._process.stdout.readline()))

    def kill(self, pid: int) -> None:
        self.workers.remove(pid)
        os.kill(pid, signal.SIGKILL)

    def end(self) -> None:
        for pid in list(self.workers):
            with contextlib.suppress(ProcessLookupError):
                self.kill(pid)
        self._process.kill()
        self._process.wait(10)


@pytest.fixture
def workshop() -> Iterator[Callable[[dict[str, str]], Workshop]]:
    made: list[Workshop] = []

    def make(environ: dict[str, str]) -> Workshop:
        made.append(Workshop(environ))
        return made[-1]

    yield make
    for each in made:
        each.end()


@pytest.mark.timeout(600)
@pytest.mark.requirement("P4")
@pytest.mark.parametrize(
    ("database", "policy"),
    [("sqlite", "hold"), ("sqlite", "resend"), ("postgresql", "hold"), ("mariadb", "hold")],
    ids=["sqlite", "sqlite, resend", "postgresql", "mariadb"],
)
def test_kills_at_random_lose_nobody_and_show_whom_they_left_in_question(
    database: str,
    policy: str,
    site_processes: Callable,
    workshop: Callable,
    smtp: RecordingSmtpServer,
    wait_until: Callable,
    request: pytest.FixtureRequest,
) -> None:
    variables = {"EMAIL_URL": smtp.url, "SECRET_KEY": "k" * 64}
    if database != "sqlite":
        server = request.getfixturevalue("lab_postgres" if database == "postgresql" else "lab_mariadb")
        for name, part in (("DATABASE_URL", "site"), ("NEWSLETTER_DATABASE_URL", "newsletter")):
            variables[name] = server.database(f"nl_kills_{part}_{os.getpid()}")
    site = site_processes(**variables)
    parameters = f"newsletter: {{uncertain: {policy}}}"
    site.manifest.write_text(site.manifest.read_text("utf-8").replace("newsletter: {}", parameters), "utf-8")
    assert parameters in site.manifest.read_text("utf-8")
    assert site.run("prepare", timeout=200).returncode == 0
    site.python(MAKE)
    shop, seed = workshop(site.environ), random.randrange(10**6)
    chance = random.Random(seed)
    for _ in range(WORKERS):
        shop.start()
    for target in sorted(chance.sample(range(1, AUDIENCE - 2000), KILLS)):
        wait_until(lambda target=target: len(smtp.messages) >= target, seconds=120, what=f"{target} mails, seed {seed}")
        shop.kill(chance.choice(shop.workers))
        shop.start()

    def finished() -> dict | None:
        found = json.loads(site.python(LEDGER))
        return found if found["state"] == "finished" else None

    ledger = wait_until(finished, seconds=180, what=f"the issue finishes, seed {seed}")
    check = once if policy == "hold" else twice_at_most
    check(site, ledger, smtp, wait_until, seed)


def once(site: Any, ledger: dict, smtp: RecordingSmtpServer, wait_until: Callable, seed: int) -> None:
    """Nobody got it twice; who was in flight is uncertain, and gets it again when an editor says so."""
    arrived = Counter(address for message in smtp.messages for address in message.recipients)
    states = Counter(ledger["rows"].values())
    sent = {address for address, state in ledger["rows"].items() if state == "sent"}
    uncertain = {address for address, state in ledger["rows"].items() if state == "uncertain"}
    assert len(ledger["rows"]) == ledger["total"] == AUDIENCE == len(sent) + len(uncertain), (seed, states)
    assert ledger["counted"] == len(uncertain), "what the pages count is what the rows say"
    assert max(arrived.values()) == 1, f"nobody got it twice, seed {seed}"
    assert sent <= set(arrived), f"what is said to be sent has arrived, seed {seed}"
    assert set(arrived) - sent <= uncertain, f"what arrived and is not known to be sent is shown, seed {seed}"
    assert 0 < len(uncertain) <= KILLS * 2 * BATCH, f"at most the open batches at each kill, seed {seed}"
    had_it = uncertain & set(arrived)
    assert int(site.python(TRY_AGAIN)) == len(uncertain)
    wait_until(
        lambda: len(smtp.messages) >= len(arrived) + len(uncertain), seconds=120, what="the uncertain are sent again"
    )
    again = Counter(address for message in smtp.messages for address in message.recipients)
    assert len(again) == AUDIENCE, f"0 lost, seed {seed}"
    assert {address for address, count in again.items() if count > 1} == had_it, (
        "two of those alone that were in flight"
    )


def twice_at_most(site: Any, ledger: dict, smtp: RecordingSmtpServer, wait_until: Callable, seed: int) -> None:
    """Who was in flight got it again by itself; who was in flight a second time is uncertain."""
    arrived = Counter(address for message in smtp.messages for address in message.recipients)
    states = Counter(ledger["rows"].values())
    uncertain = {address for address, state in ledger["rows"].items() if state == "uncertain"}
    twice = {address for address, count in arrived.items() if count > 1}
    assert states["sent"] + states["uncertain"] == ledger["total"] == AUDIENCE, (seed, states)
    assert ledger["again"], f"somebody was in flight, seed {seed}"
    assert max(arrived.values()) <= 2, f"never a third time, seed {seed}"
    assert twice <= set(ledger["again"]) | uncertain, f"two of those alone that were in flight, seed {seed}"
    assert len(ledger["again"]) + len(uncertain) <= KILLS * 2 * BATCH, (
        f"at most the open batches at each kill, seed {seed}"
    )
    assert set(ledger["rows"]) - set(arrived) <= uncertain, f"0 lost, seed {seed}"
