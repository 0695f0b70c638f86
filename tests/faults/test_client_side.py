"""The client's side of a sensitive atom is away: its pages say so, everything else is as fast as before, and it comes back by itself."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable

import pytest

from tests.faults.servers import Server
from tests.faults.site import HOME, MADE_ANEW, Answer, Site, stopped, until
from webstreet.testing.smtp import Behaviour, RecordingSmtpServer

AUDIENCE = 600
ROUNDS = 15
SLOWER = 4
"""How much slower the median of the other pages may be: they do the same work, and the machine does other things too."""
BESIDE = """
import time
from webstreet.engine.announcements import hand_over
from django_tasks_db.models import DBTaskResult
made = hand_over.enqueue("00000000-0000-4000-8000-00000000000%d")
deadline = time.monotonic() + 45
while DBTaskResult.objects.get(id=made.id).status != "SUCCESSFUL" and time.monotonic() < deadline:
    time.sleep(0.05)
print(DBTaskResult.objects.get(id=made.id).status)
"""

pytestmark = pytest.mark.timeout(900)


def visit(site: Site, path: str) -> list[Answer]:
    return [site.get(path) for _ in range(ROUNDS)]


def median(answers: list[Answer]) -> float:
    assert {answer.status for answer in answers} == {200}
    return statistics.median(answer.seconds for answer in answers)


def is_away(site: Site, before: float, task: int) -> None:
    """All that is promised while the client's database does not answer."""
    refused = [site.sign_up(number) for number in range(4)]
    assert [answer.status for answer in refused] == [503] * 4, [answer.text[:300] for answer in refused]
    assert "This part of the site is not available right now" in refused[-1].text
    assert "/theme/paper." in refused[-1].text, "the page is in the site's own dress"
    assert int(refused[-1].headers["retry-after"]) > 0
    assert sum(answer.seconds > 2.5 for answer in refused) <= 1, "only the first waits for the time-out"
    assert median(visit(site, MADE_ANEW)) < SLOWER * before + 0.1
    assert {answer.status for answer in visit(site, HOME)} == {200}
    status, parts = site.ready()
    assert status == 200
    assert "does not answer" in parts["newsletter database"]["note"]
    assert site.python(BESIDE % task) == "SUCCESSFUL", "the worker's other queues go on"


@pytest.mark.requirement("H4")
def test_the_rest_of_the_site_does_not_notice(
    site_of: Callable[..., Site], own_postgres: Server, smtp: RecordingSmtpServer
) -> None:
    site = site_of(EMAIL_URL=smtp.url, NEWSLETTER_DATABASE_URL=own_postgres.lab.database("fault_client"))
    web, worker = site.open()
    visit(site, HOME)
    before = median(visit(site, MADE_ANEW))
    smtp.behaviour = Behaviour(delay_s=0.05)
    site.announce(AUDIENCE)
    smtp.wait_for(20, timeout_s=120)
    with stopped(own_postgres.pid):  # while the worker is in the middle of an issue
        is_away(site, before, 1)
    until(lambda: site.note("newsletter database") == "", what=lambda: str(site.ready()))
    own_postgres.stop()
    is_away(site, before, 2)
    own_postgres.start()
    until(lambda: site.note("newsletter database") == "", what=lambda: str(site.ready()))
    ledger = site.finished(seconds=240)  # a lease whose claim was cut off runs out
    arrived = Counter(address for message in smtp.messages for address in message.recipients)
    assert arrived == Counter(dict.fromkeys(ledger.rows, 1))
    assert ledger.counts == {"sent": AUDIENCE}
    assert web.poll() is worker.poll() is None
