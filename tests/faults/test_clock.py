"""The system's clock jumps a day forwards and back again: nothing hangs until it has caught up, and nothing happens twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import needed
from tests.faults.site import HOME, MADE_ANEW, Site, Visitors, until
from tests.lab import faketime
from webstreet.testing.smtp import Behaviour, RecordingSmtpServer

AUDIENCE, BATCH = 300, 100
DAY_S = 86_400
STAMPS = """
from django.utils import timezone
from webstreet.engine.guessing import FailedLogins
FailedLogins.objects.create(key="somebody", count=10, since=timezone.now())
from webstreet.atoms.newsletter.models import Notice, Subscriber
Notice.objects.create(kind="welcome", subscriber=Subscriber.objects.create(email="new@example.org", status="active"))
"""
SCHEDULED = """
import datetime as dt
from django.utils import timezone
from webstreet.atoms.articles.models import Article
from webstreet.engine import announcements, hooks
from webstreet.engine.imports import ArticleRecord, ImportContext
for title, hours in (("Soon", 12), ("Later", 48)):
    record = ArticleRecord(title, title, "Words.", "scheduled", timezone.now() + dt.timedelta(hours=hours), 1)
    hooks.call("import_articles", [record], ImportContext("test"))
for article in Article.objects.all():
    announcements.became_public(article.uuid, suppressed=True)
"""
"""Nobody is told of them: the only mails are those of the issue."""
IN_THE_FUTURE = """
from django.utils import timezone
from webstreet.engine.tasks.heartbeat import WorkerSeen
from webstreet.engine.guessing import FailedLogins
now = timezone.now()
print(WorkerSeen.objects.filter(seen_at__gt=now).count() + FailedLogins.objects.filter(since__gt=now).count())
"""

pytestmark = pytest.mark.timeout(900)


@pytest.mark.requirement("P4")
def test_the_clock_jumps_a_day_forwards_and_back(
    site_of: Callable[..., Site], smtp: RecordingSmtpServer, tmp_path: Path
) -> None:
    clock = needed(lambda: faketime.Clock(tmp_path / "clock"))
    site = site_of(EMAIL_URL=smtp.url, **clock.variables)
    smtp.behaviour = Behaviour(delay_s=0.05)
    web, worker = site.open()
    site.python(SCHEDULED)
    assert readable(site) == (404, 404)
    with Visitors(site, HOME, MADE_ANEW) as visitors:
        site.announce(AUDIENCE)
        smtp.wait_for(30, timeout_s=120)
        clock.jump_to(DAY_S)
        until(lambda: "worker.clock_was_set" in site.log(), what=site.log)
        until(lambda: readable(site) == (200, 404), what="what was planned before the wrong time appears")
        smtp.wait_for(130, timeout_s=120)
        worker.kill()
        worker.wait(10)
        at_the_kill = len(smtp.messages)
        site.python(STAMPS)
        clock.jump_to(0)
        second = site.work()
        until(lambda: "worker.clock_was_set_back" in site.log(), what=site.log)
        ledger = site.finished()
        until(lambda: smtp.to("new@example.org"), what=site.log)
        until(lambda: site.python(IN_THE_FUTURE) == "0", what=lambda: site.python(IN_THE_FUTURE) + site.log())
    assert at_the_kill < AUDIENCE, "it was in the middle"
    assert readable(site) == (200, 404), "what has appeared stays, and the rest waits for its time"
    arrived = Counter(address for message in smtp.messages for address in message.recipients)
    assert max(arrived.values()) == 1, "nobody got it twice"
    assert len(ledger.rows) == AUDIENCE
    assert ledger.among("sent") | {"new@example.org"} <= set(arrived)
    assert set(ledger.counts) <= {"sent", "uncertain"}
    assert ledger.counts["uncertain"] <= BATCH, "those in flight at the kill"
    assert {answer.status for answers in visitors.answers.values() for answer in answers} == {200}
    assert web.poll() is second.poll() is None


def readable(site: Site) -> tuple[int, int]:
    """The answers to who asks for the article of half a day ahead, and for that of two days."""
    return site.get("/soon/").status, site.get("/later/").status
