"""Redis stops, comes back empty, is emptied in mid-issue: the site goes on, and the issue ends exactly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
import redis

from tests.faults.servers import Server
from tests.faults.site import HOME, MADE_ANEW, SUBSCRIBE, Site, Visitors, until
from webstreet.testing.smtp import Behaviour, RecordingSmtpServer

AUDIENCE = 300

pytestmark = pytest.mark.timeout(900)


@pytest.mark.requirement("P6")
def test_redis_is_stopped_and_emptied_in_mid_issue(
    site_of: Callable[..., Site], own_redis: Server, smtp: RecordingSmtpServer
) -> None:
    site = site_of(EMAIL_URL=smtp.url, REDIS_URL=own_redis.lab.url)
    smtp.behaviour = Behaviour(delay_s=0.05)
    web, worker = site.open()
    with Visitors(site, HOME, MADE_ANEW, SUBSCRIBE) as visitors:
        site.announce(AUDIENCE)
        smtp.wait_for(20, timeout_s=120)
        with redis.Redis.from_url(own_redis.lab.url) as connection:
            connection.flushall()
        smtp.wait_for(100, timeout_s=120)
        own_redis.stop()
        until(lambda: site.note("cache") != "", what=lambda: str(site.ready()))
        status, parts = site.ready()
        assert status == 200, "without Redis the site is slower, not closed"
        assert parts["cache"]["note"] == "Redis does not answer; the site is slower and background work waits"
        before = len(smtp.messages)
        asked = len(visitors.answers[MADE_ANEW])
        until(lambda: len(visitors.answers[MADE_ANEW]) > asked + 5, what="visitors go on")
        own_redis.start()
        until(lambda: site.note("cache") == "", what=lambda: str(site.ready()))
        ledger = site.finished()
    assert before < AUDIENCE, "it was in the middle"
    arrived = Counter(address for message in smtp.messages for address in message.recipients)
    assert arrived == Counter(dict.fromkeys(ledger.rows, 1))
    assert ledger.counts == {"sent": AUDIENCE}
    assert {answer.status for answers in visitors.answers.values() for answer in answers} == {200}
    assert web.poll() is worker.poll() is None
