"""A worker is killed while an issue is prepared, waits, is paused or was cancelled, and in the middle of an action on many subscribers: the
next one goes on where it was, does nothing that was not to be done any more, and nothing twice.
"""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.site import Ledger, Site, until
from webstreet.testing.smtp import Behaviour, RecordingSmtpServer

AUDIENCE, FIRST = 300, 20
LARGE = 2300
"""More than the first slice of an audience that is written down."""
TRIES = 4
"""So many kills, until one has come before the second slice: that is less than a second."""
PEOPLE = 4000
BUTTON = {
    "pause": "UPDATE newsletter_issue SET paused_at = datetime('now')",
    "cancel": "UPDATE newsletter_issue SET cancelled_at = datetime('now'), due_at = datetime('now')",
}
"""As an editor's does, without the seconds that a process of its own takes to begin."""
RESUME = """
from webstreet.atoms.newsletter.models import Issue
Issue.objects.get().resume()
"""
WELCOME = """
from webstreet.atoms.newsletter.models import Notice, Subscriber
Notice.objects.create(kind="welcome", subscriber=Subscriber.objects.create(email="{email}", status="unsubscribed"))
"""
MANY = f"""
from webstreet.atoms.newsletter import bulk, tasks
from webstreet.atoms.newsletter.models import Subscriber
Subscriber.objects.bulk_create(Subscriber(email=f"p{{i}}@example.org", status="active") for i in range({PEOPLE}))
job = bulk.begin("unsubscribe", filters=bulk.Filters(status="active"), ids=[], mailing_list=None, by=1)
tasks.bulk_step.enqueue(job.pk)
"""

pytestmark = pytest.mark.timeout(900)


def killed(worker: subprocess.Popen[bytes], site: Site) -> set[str]:
    """Addresses that were under way."""
    worker.kill()
    worker.wait(10)
    under_way = {address for address, state in site.rows().items() if state == "sending"}
    site.leases_run_out()
    return under_way


def taken(smtp: RecordingSmtpServer) -> None:
    """Wait until the mail server is through with what was on its way to it."""
    counts = [-1]

    def is_quiet() -> bool:
        counts.append(len(smtp.messages))
        return counts[-1] == counts[-2]

    until(is_quiet, pause=2, what=lambda: str(counts))


def is_exact(
    ledger: Ledger, smtp: RecordingSmtpServer, under_way: set[str], *states: str, audience: int = AUDIENCE
) -> Counter[str]:
    """Nobody is lost or mailed twice, and uncertain is who was under way at the one kill. Returns how many are in which state."""
    arrived = Counter(address for message in smtp.messages for address in message.recipients if address[0] == "s")
    assert len(ledger.rows) == ledger.total == audience
    assert set(ledger.counts) <= {"sent", "uncertain", *states}
    assert max(arrived.values(), default=0) <= 1, "nobody got it twice"
    assert ledger.among("sent") <= set(arrived) <= ledger.among("sent", "uncertain")
    assert ledger.among("uncertain") == under_way
    return ledger.counts


@pytest.mark.requirement("P4")
def test_killed_while_the_audience_is_written(
    site_of: Callable[..., Site], smtp: RecordingSmtpServer, tmp_path: Path
) -> None:
    preparing = "SELECT audience FROM newsletter_issue WHERE audience > 0 AND frozen_at IS NULL"
    for attempt in range(TRIES):
        site = site_of(tmp_path / f"site-{attempt}", EMAIL_URL=smtp.url)
        smtp.behaviour = Behaviour(delay_s=0.2)
        smtp.forget()
        site.announce(LARGE)
        worker = site.work()
        until(lambda: "sending" in site.rows().values(), pause=0.01, what=site.log)  # noqa: B023 called at once
        under_way = killed(worker, site)
        if found := site.sql(preparing):
            break
        taken(smtp)
    assert found, "no kill came before the second slice"
    ((written,),) = found
    assert 0 < written == len(site.rows()) < LARGE, "it was in the middle"
    taken(smtp)
    smtp.behaviour = Behaviour()
    site.work()
    assert is_exact(site.finished(), smtp, under_way, audience=LARGE)["sent"] == LARGE - len(under_way)


@pytest.mark.requirement("P4")
def test_killed_while_waiting_for_the_mail_server(site_of: Callable[..., Site], smtp: RecordingSmtpServer) -> None:
    site = site_of(EMAIL_URL=smtp.url)
    smtp.behaviour = Behaviour(silent="connect")
    site.announce(AUDIENCE)
    worker = site.work()
    waiting = "SELECT 1 FROM newsletter_issue WHERE trouble = 'mail_server.away' AND due_at > datetime('now')"
    until(lambda: site.sql(waiting), what=site.log)
    assert not killed(worker, site), "nobody was under way"
    assert site.sql(waiting)
    smtp.behaviour = Behaviour()
    site.sql("UPDATE newsletter_issue SET due_at = datetime('now')")
    site.sql("UPDATE newsletter_chunk SET due_at = datetime('now') WHERE NOT closed")
    site.work()
    assert is_exact(site.finished(), smtp, set())["sent"] == AUDIENCE


@pytest.mark.requirement("P4")
def test_killed_while_the_server_said_later(site_of: Callable[..., Site], smtp: RecordingSmtpServer) -> None:
    site = site_of(EMAIL_URL=smtp.url)
    smtp.behaviour = Behaviour(content="451 4.7.1 come back later")
    site.announce(AUDIENCE)
    worker = site.work()
    until(lambda: Counter(site.rows().values())["deferred"] >= FIRST, what=site.log)
    under_way = killed(worker, site)
    assert smtp.messages == []
    smtp.behaviour = Behaviour()
    site.sql("UPDATE newsletter_chunk SET due_at = datetime('now', '-1 second')")
    site.work()
    assert is_exact(site.finished(), smtp, under_way)["sent"] == AUDIENCE - len(under_way)


@pytest.mark.requirement("P4")
@pytest.mark.parametrize("verb", ["pause", "cancel"])
def test_killed_when_no_more_was_to_be_sent(site_of: Callable[..., Site], smtp: RecordingSmtpServer, verb: str) -> None:
    site = site_of(EMAIL_URL=smtp.url)
    smtp.behaviour = Behaviour(delay_s=0.2)
    site.announce(AUDIENCE)
    worker = site.work()
    smtp.wait_for(FIRST, timeout_s=120)
    site.sql(BUTTON[verb])
    under_way = killed(worker, site)
    taken(smtp)
    before = {address for message in smtp.messages for address in message.recipients}
    assert len(before) < AUDIENCE, "it was in the middle"
    smtp.behaviour = Behaviour()
    site.work()
    site.python(WELCOME.format(email="x@example.org"))
    until(lambda: smtp.to("x@example.org"), what=site.log)
    if verb == "cancel":
        counts = is_exact(site.finished(), smtp, under_way, "suppressed")
        assert counts["suppressed"] > 0
    assert before == {a for message in smtp.messages for a in message.recipients} - {"x@example.org"}
    if verb == "pause":
        site.python(RESUME)
        assert is_exact(site.finished(), smtp, under_way)["sent"] == AUDIENCE - len(under_way)


@pytest.mark.requirement("P2")
def test_killed_in_the_middle_of_an_action_on_many(site_of: Callable[..., Site], smtp: RecordingSmtpServer) -> None:
    site = site_of(EMAIL_URL=smtp.url)
    site.python(MANY)
    worker = site.work()

    def done() -> int:
        return int(site.sql("SELECT done FROM newsletter_bulkjob")[0][0])

    until(lambda: done() > 0, pause=0.01, what=site.log)
    killed(worker, site)
    at_the_kill = done()
    assert 0 < at_the_kill < PEOPLE, "it was in the middle"
    site.sql("UPDATE newsletter_bulkjob SET woken_at = datetime('now', '-1 minute')")
    site.work()
    until(lambda: site.sql("SELECT finished_at FROM newsletter_bulkjob")[0][0], what=site.log)
    assert site.sql("SELECT done, passed, total FROM newsletter_bulkjob") == [(PEOPLE, 0, PEOPLE)]
    assert site.sql("SELECT COUNT(*) FROM newsletter_subscriber WHERE status = 'unsubscribed'") == [(PEOPLE,)]
    noted = "SELECT COUNT(*), COUNT(DISTINCT noun_id) FROM newsletter_change WHERE verb = 'unsubscribed'"
    assert site.sql(noted) == [(PEOPLE, PEOPLE)], "each was unsubscribed once"
