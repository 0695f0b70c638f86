"""The site's own database stops and comes back: the site says so, nobody exits, and an issue on its way is exact afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import needed
from tests.faults.servers import Server, own
from tests.faults.site import HOME, MADE_ANEW, SUBSCRIBE, Site, Visitors, until
from tests.lab import mariadb
from webstreet.testing.smtp import Behaviour, RecordingSmtpServer

AUDIENCE = 400

pytestmark = pytest.mark.timeout(900)


@pytest.mark.requirement("P5")
def test_a_stopped_database_is_survived(
    site_of: Callable[..., Site], own_database: Server, smtp: RecordingSmtpServer
) -> None:
    urls = {f"{name}DATABASE_URL": own_database.lab.database(f"fault_{name}x".lower()) for name in ("", "NEWSLETTER_")}
    site = site_of(EMAIL_URL=smtp.url, **urls)
    own_database.stop()
    worker = site.work()
    until(lambda: "worker.interrupted" in site.log(), what=site.log)
    own_database.start()
    until(lambda: "worker.started" in site.log(), what=site.log)
    smtp.behaviour = Behaviour(delay_s=0.05)
    web = site.serve()
    until(lambda: site.get("/").status == 200, what=site.log)
    with Visitors(site, HOME, MADE_ANEW, SUBSCRIBE) as visitors:
        site.announce(AUDIENCE)
        smtp.wait_for(60, timeout_s=120)
        own_database.stop()
        until(lambda: visitors.last(MADE_ANEW).status == 503, what=lambda: str(visitors.last(MADE_ANEW)))
        status, parts = site.ready()
        assert status == 503
        assert parts["database"]["note"] == "does not answer; nothing can be read or saved"
        answer = site.get(MADE_ANEW)
        assert "Nothing is lost" in answer.text
        assert int(answer.headers["retry-after"]) > 0
        assert answer.headers["cache-control"] == "no-store"
        while_down = len(smtp.messages)
        own_database.start()
        until(lambda: site.get(MADE_ANEW).status == site.get("/-/ready").status == 200, what=site.log)
        ledger = site.finished()
    seen = {path: {answer.status for answer in answers} for path, answers in visitors.answers.items()}
    assert seen[HOME] == {200}, "what is in the page cache is still shown"
    assert seen[MADE_ANEW] == {200, 503}
    assert seen[SUBSCRIBE] <= {200, 503}
    assert visitors.last(MADE_ANEW).status == visitors.last(SUBSCRIBE).status == 200
    assert web.poll() is worker.poll() is None, "nobody had to be started again"
    arrived = Counter(address for message in smtp.messages for address in message.recipients)
    assert ledger.counts == {"sent": AUDIENCE}, "what was said while the database was away is written down later"
    assert arrived == Counter(dict.fromkeys(ledger.rows, 1))
    assert while_down < AUDIENCE, "it was in the middle"


@pytest.mark.requirement("P5")
def test_an_older_server_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    """A server of today that says it is one of 2019: nobody asks it for more than its word."""
    needed(mariadb.where)
    with own(mariadb) as server:
        url = server.lab.database("fault_too_old")
        server.stop()
        server.start("--version=10.3.39-MariaDB")
        site = Site(tmp_path / "site", DATABASE_URL=url)
        told = site.run("prepare", check=False)
        assert '"code":"database.too_old"' in told
        assert "10.6" in told, "it says which one is needed"
        assert "10.3.39" in told, "and which one is there"
        with server.lab.connection("fault_too_old") as cursor:
            cursor.execute("SHOW TABLES")
            assert cursor.fetchall() == ()
