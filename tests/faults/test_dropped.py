"""What asks for a connection is dropped, as by a firewall: nobody refuses, nobody answers. The site stays up, and what waits goes out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.servers import Server, dropping
from tests.faults.site import HOME, MADE_ANEW, Site, until
from tests.lab import base
from webstreet.testing.smtp import RecordingSmtpServer

pytestmark = pytest.mark.timeout(900)


@pytest.mark.requirement("P4")
def test_by_the_mail_server(site_of: Callable[..., Site]) -> None:
    port = base.free_port()
    site = site_of(EMAIL_URL=f"smtp://127.0.0.1:{port}")
    with dropping(port):
        web, worker = site.open()
        assert site.sign_up(1).status == 200
        away = "SELECT 1 FROM newsletter_notice WHERE code = 'mail_server.away' AND sent_at IS NULL"
        until(lambda: site.sql(away), what=site.log)
        until(lambda: "nothing answers at EMAIL_URL" in site.note("mail"), what=lambda: str(site.ready()))
        assert [site.get(path).status for path in (HOME, MADE_ANEW)] == [200, 200]
        assert site.sign_up(2).status == 200
    with RecordingSmtpServer(port=port) as smtp:
        for number in (1, 2):
            wanted = f"reader{number}@example.org"
            site.sql("UPDATE newsletter_notice SET due_at = datetime('now') WHERE sent_at IS NULL")
            until(lambda wanted=wanted: smtp.to(wanted), what=site.log)
        assert len(smtp.messages) == 2, "nobody got it twice"
    assert web.poll() is worker.poll() is None


@pytest.mark.requirement("H4")
def test_by_the_clients_database(site_of: Callable[..., Site], own_database: Server, smtp: RecordingSmtpServer) -> None:
    site = site_of(EMAIL_URL=smtp.url, NEWSLETTER_DATABASE_URL=own_database.lab.database("dropped"))
    web, worker = site.open()
    assert site.sign_up(1).status == 200
    until(lambda: smtp.to("reader1@example.org"), what=site.log)
    own_database.stop()
    with dropping(own_database.port):
        lost = site.sign_up(2)
        assert lost.status == 503, lost
        assert int(lost.headers["retry-after"]) > 0
        assert [site.get(path).status for path in (HOME, MADE_ANEW)] == [200, 200]
        assert "does not answer" in site.note("newsletter database")
    own_database.start()
    until(lambda: site.note("newsletter database") == "", what=lambda: str(site.ready()))
    until(lambda: site.sign_up(3).status == 200, what=site.log)
    until(lambda: smtp.to("reader3@example.org"), what=site.log)
    assert not smtp.to("reader2@example.org")
    assert web.poll() is worker.poll() is None
