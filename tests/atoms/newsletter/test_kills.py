"""Two workers send an issue to 20,000 while one of them after the other is killed at random; on each database, and over providers' APIs."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.atoms.newsletter.workshop import Workshop
from tests.lab import prototypes
from webstreet.mail.pump import OPEN_MAX
from webstreet.testing.mail_api import RecordingMailApi
from webstreet.testing.smtp import RecordingSmtpServer

WORKERS, BATCH, MERGED = 2, 100, 32
MAKE = """
import uuid
from django.utils import timezone
from webstreet.atoms.newsletter.models import Issue, MailingList, Membership, Subscriber
main = MailingList.main()
made = Subscriber.objects.bulk_create(Subscriber(email=f"s{i}@example.org", status="active") for i in range(AUDIENCE))
Membership.objects.bulk_create(Membership(mailing_list=main, subscriber=s) for s in made)
Issue.objects.create(article_uuid=uuid.uuid4(), mailing_list=main, subject="Issue", language="en", started_at=timezone.now(),
    html="<p>Hello <a href='\\ue000unsubscribe\\ue001'>x</a></p>", text="Hello \\ue000unsubscribe\\ue001")
"""
SOONER = f"""
import dataclasses, datetime as dt
from webstreet.atoms.newsletter import ledger, tasks
from webstreet.engine.tasks import ticks
from webstreet.mail.pump import Pace
# Everything as it is, but sooner: what is waited for when a worker was killed.
ledger.LEASE = dt.timedelta(seconds=3)
Pace.MOST, tasks.MANY = {BATCH}, {MERGED}
for name, tick in ticks.items():
    ticks[name] = dataclasses.replace(tick, seconds=min(tick.seconds, 1))
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


@pytest.fixture
def workshop() -> Iterator[Callable[[dict[str, str]], Workshop]]:
    made: list[Workshop] = []

    def make(environ: dict[str, str]) -> Workshop:
        made.append(Workshop(environ, SOONER))
        return made[-1]

    yield make
    for each in made:
        each.end()


@dataclass
class Killing:
    """One issue, sent while workers are killed. ``arrivals``: the addresses whose mails arrived, in order; ``batch``: the largest."""

    site: Any
    wait_until: Callable
    arrivals: Callable[[], list[str]]
    audience: int
    kills: int
    batch: int = BATCH

    def __post_init__(self) -> None:
        self.seed = random.randrange(10**6)

    @property
    def in_question(self) -> int:
        """At most the open batches at each kill."""
        return self.kills * OPEN_MAX * self.batch

    def run(self, shop: Workshop) -> dict:
        """What the ledger says at the end."""
        chance = random.Random(self.seed)
        for _ in range(WORKERS):
            shop.start()
        for target in sorted(chance.sample(range(1, self.audience - self.in_question), self.kills)):
            what = f"{target} mails, seed {self.seed}"
            self.wait_until(lambda target=target: len(self.arrivals()) >= target, seconds=120, what=what)
            shop.kill(chance.choice(shop.workers))
            shop.start()

        def finished() -> dict | None:
            found = json.loads(self.site.python(LEDGER))
            return found if found["state"] == "finished" else None

        return self.wait_until(finished, seconds=180, what=f"the issue finishes, seed {self.seed}")

    def prepare(self, parameters: str = "") -> None:
        manifest = self.site.manifest
        manifest.write_text(
            manifest.read_text("utf-8").replace("newsletter: {}", f"newsletter: {{{parameters}}}"), "utf-8"
        )
        assert f"newsletter: {{{parameters}}}" in manifest.read_text("utf-8")
        assert self.site.run("prepare", timeout=200).returncode == 0
        self.site.python(MAKE.replace("AUDIENCE", str(self.audience)))


@pytest.mark.timeout(600)
@pytest.mark.requirement("P4")
@pytest.mark.parametrize(
    ("database", "policy"),
    [("sqlite", "hold"), ("sqlite", "resend"), ("postgresql", "hold"), ("postgresql", "resend"), ("mariadb", "hold")],
    ids=["sqlite", "sqlite, resend", "postgresql", "postgresql, resend", "mariadb"],
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
        for alias, name in prototypes.URLS.items():
            variables[name] = prototypes.filled(server.database(f"nl_kills_{alias}_{os.getpid()}"), alias)
    site = site_processes(**variables)

    def arrivals() -> list[str]:
        return [address for message in smtp.messages for address in message.recipients]

    killing = Killing(site, wait_until, arrivals, audience=20_000, kills=20)
    killing.prepare(f"uncertain: {policy}")
    ledger = killing.run(workshop(site.environ))
    check = once if policy == "hold" else twice_at_most
    check(killing, ledger)


@pytest.mark.timeout(600)
@pytest.mark.requirement("P4")
def test_kills_over_the_apis_of_providers_lose_nobody_and_mail_nobody_twice(
    site_processes: Callable, workshop: Callable, wait_until: Callable
) -> None:
    """Half goes to one that takes a letter for many, half to one that wants a call for each."""
    with RecordingMailApi("mailgun") as mailgun, RecordingMailApi("postmark") as postmark:
        site = site_processes(EMAIL_URL=f"{mailgun.url} {postmark.url}", SECRET_KEY="k" * 64)

        def arrivals() -> list[str]:
            return [mail.recipient for api in (mailgun, postmark) for mail in api.mails]

        # The first two batches of a worker are twice as large as the least.
        killing = Killing(site, wait_until, arrivals, audience=1_500, kills=5, batch=2 * MERGED)
        killing.prepare("uncertain: hold")
        ledger = killing.run(workshop(site.environ))
        assert max(mailgun.calls) > 10, "many together"
        assert max(postmark.calls) == 1
        once(killing, ledger)


def once(killing: Killing, ledger: dict) -> None:
    """Nobody got it twice; who was in flight is uncertain, and gets it again when an editor says so."""
    seed, audience = killing.seed, killing.audience
    arrived = Counter(killing.arrivals())
    states = Counter(ledger["rows"].values())
    sent = {address for address, state in ledger["rows"].items() if state == "sent"}
    uncertain = {address for address, state in ledger["rows"].items() if state == "uncertain"}
    assert len(ledger["rows"]) == ledger["total"] == audience == len(sent) + len(uncertain), (seed, states)
    assert ledger["counted"] == len(uncertain), "what the pages count is what the rows say"
    assert max(arrived.values()) == 1, f"nobody got it twice, seed {seed}"
    assert sent <= set(arrived), f"what is said to be sent has arrived, seed {seed}"
    assert set(arrived) - sent <= uncertain, f"what arrived and is not known to be sent is shown, seed {seed}"
    # Each of a few kills may meet a worker that has only begun.
    assert uncertain or killing.kills < 20, f"somebody was in flight, seed {seed}"
    assert len(uncertain) <= killing.in_question, f"at most the open batches at each kill, seed {seed}"
    had_it = uncertain & set(arrived)
    assert int(killing.site.python(TRY_AGAIN)) == len(uncertain)
    all_of_them = len(arrived) + len(uncertain)
    killing.wait_until(lambda: len(killing.arrivals()) >= all_of_them, seconds=120, what="the uncertain are sent again")
    again = Counter(killing.arrivals())
    assert len(again) == audience, f"0 lost, seed {seed}"
    assert {address for address, count in again.items() if count > 1} == had_it, (
        "two of those alone that were in flight"
    )


def twice_at_most(killing: Killing, ledger: dict) -> None:
    """Who was in flight got it again by itself; who was in flight a second time is uncertain."""
    seed = killing.seed
    arrived = Counter(killing.arrivals())
    states = Counter(ledger["rows"].values())
    uncertain = {address for address, state in ledger["rows"].items() if state == "uncertain"}
    twice = {address for address, count in arrived.items() if count > 1}
    assert states["sent"] + states["uncertain"] == ledger["total"] == killing.audience, (seed, states)
    assert ledger["again"], f"somebody was in flight, seed {seed}"
    assert max(arrived.values()) <= 2, f"never a third time, seed {seed}"
    assert twice <= set(ledger["again"]) | uncertain, f"two of those alone that were in flight, seed {seed}"
    assert len(ledger["again"]) + len(uncertain) <= killing.in_question, (
        f"at most the open batches at each kill, seed {seed}"
    )
    assert set(ledger["rows"]) - set(arrived) <= uncertain, f"0 lost, seed {seed}"
