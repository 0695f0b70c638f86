"""A server is frozen: it keeps its connections, accepts new ones, and says nothing. No time-out of TCP ends that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from tests.faults.servers import Server
from tests.faults.site import HOME, MADE_ANEW, Site, stopped, until
from webstreet.engine.backends.patience import ANSWER_WITHIN_S
from webstreet.testing.smtp import Behaviour, RecordingSmtpServer

AUDIENCE = 300
WAITED_S = 4 * ANSWER_WITHIN_S
"""For an answer that needs what is frozen. Longer than one wait: a page that says 503 asks once more, and the machine is busy."""

pytestmark = pytest.mark.timeout(900)


@pytest.mark.requirement("P5")
def test_a_frozen_database_of_the_site_is_survived(
    site_of: Callable[..., Site], own_database: Server, smtp: RecordingSmtpServer
) -> None:
    urls = {f"{name}DATABASE_URL": own_database.lab.database(f"frozen_{name}x".lower()) for name in ("", "NEWSLETTER_")}
    site = site_of(EMAIL_URL=smtp.url, **urls)
    smtp.behaviour = Behaviour(delay_s=0.05)
    web, worker = site.open()
    until(lambda: site.get(HOME).headers.get("cache-status") == "webstreet; hit", what="the home page is kept")
    site.announce(AUDIENCE)
    smtp.wait_for(30, timeout_s=120)
    with stopped(own_database.pid):
        answer = site.get(MADE_ANEW, timeout_s=WAITED_S)
        assert answer.status == 503, answer
        assert "Nothing is lost" in answer.text
        assert int(answer.headers["retry-after"]) > 0
        kept = [site.get(HOME, timeout_s=WAITED_S).status for _ in range(5)]
        assert kept == [200] * 5, "what is in the page cache is still shown"
        until(lambda: "worker.interrupted" in site.log(), what=site.log)
        while_frozen = len(smtp.messages)
    until(lambda: site.get(MADE_ANEW).status == site.get("/-/ready").status == 200, what=site.log)
    ledger = site.finished(seconds=240)
    arrived = Counter(address for message in smtp.messages for address in message.recipients)
    assert while_frozen < AUDIENCE, "it was in the middle"
    assert set(ledger.counts) <= {"sent", "uncertain"}
    assert ledger.among("sent") <= set(arrived) <= set(ledger.rows)
    assert max(arrived.values()) == 1, "nobody got it twice"
    assert web.poll() is worker.poll() is None, "nobody had to be started again"


@pytest.mark.requirement("P6")
def test_a_frozen_redis_makes_the_site_slower_and_no_more(
    site_of: Callable[..., Site], own_redis: Server, smtp: RecordingSmtpServer
) -> None:
    site = site_of(EMAIL_URL=smtp.url, REDIS_URL=own_redis.lab.url)
    smtp.behaviour = Behaviour(delay_s=0.05)
    web, worker = site.open()
    site.announce(AUDIENCE)
    smtp.wait_for(20, timeout_s=120)
    with stopped(own_redis.pid):
        answers = [site.get(path, timeout_s=WAITED_S) for path in (HOME, MADE_ANEW) * 3]
        assert [answer.status for answer in answers] == [200] * 6, answers
        taken = site.sign_up(1)
        assert taken.status == 200, taken.text
        assert "Redis does not answer" in site.note("cache")
    until(lambda: site.note("cache") == "", what=lambda: str(site.ready()))
    ledger = site.finished()
    until(lambda: smtp.to("reader1@example.org"), what=site.log)
    arrived = Counter(address for message in smtp.messages for address in message.recipients)
    assert arrived - Counter(["reader1@example.org"]) == Counter(dict.fromkeys(ledger.rows, 1))
    assert ledger.counts == {"sent": AUDIENCE}
    assert web.poll() is worker.poll() is None
