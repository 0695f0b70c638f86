"""The mail server is away, silent or busy: an issue waits and is shown waiting, welcome mails wait, and each goes out once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from tests.faults.site import Site, until
from tests.lab import base
from webstreet.testing.smtp import Behaviour, RecordingSmtpServer

AUDIENCE, WELCOME = 60, 5
WELCOMES = f"""
from webstreet.atoms.newsletter.models import Notice, Subscriber
for number in range({WELCOME}):
    who = Subscriber.objects.create(email=f"new{{number}}@example.org", status="active")
    Notice.objects.create(kind="welcome", subscriber=who)
"""
STATE = """
from webstreet.atoms.newsletter.models import Issue
print(Issue.objects.get().state)
"""
BUSY = Behaviour(greeting="421 4.3.2 come back later")

pytestmark = pytest.mark.timeout(900)


@pytest.mark.requirement("P4")
def test_mail_waits_for_its_server(site_of: Callable[..., Site]) -> None:
    port = base.free_port()
    site = site_of(EMAIL_URL=f"smtp://127.0.0.1:{port}")
    site.announce(AUDIENCE)
    site.python(WELCOMES)
    web, worker = site.open()
    until(lambda: troubles(site) == {"mail_server.away"}, what=site.log)
    # Between two tries it waits; while one is made it sends.
    until(lambda: site.python(STATE) == "waiting", what="an editor sees what it waits for")
    until(lambda: "mails wait" in site.note("mail"), what=lambda: str(site.ready()))
    for behaviour, code in ((Behaviour(silent="connect"), "mail_server.away"), (BUSY, "mail_server.busy")):
        with RecordingSmtpServer(behaviour, port=port) as smtp:
            at_once(site)
            until(lambda: smtp.connections > 1, what=site.log)
            until(lambda code=code: troubles(site) == {code}, what=lambda: str(troubles(site)))
            assert smtp.messages == []
    with RecordingSmtpServer(Behaviour(closing_after=3), port=port) as first:
        at_once(site)
        first.wait_for(6)
        until(lambda: site.ledger().trouble == "mail_server.busy", what=site.log)
    with RecordingSmtpServer(port=port) as last:
        until(lambda: at_once(site) or is_over(site), pause=1, what=site.log)
    ledger = site.ledger()
    arrived = Counter(address for message in first.messages + last.messages for address in message.recipients)
    assert max(arrived.values()) == 1, "nobody is doubled"
    assert len(ledger.rows) == AUDIENCE
    assert set(ledger.counts) <= {"sent", "uncertain"}
    assert ledger.among("sent") <= set(arrived), "nobody is lost"
    assert ledger.counts["uncertain"] <= 4, "at most one on each connection that went away under it"
    assert len([address for address in arrived if address.startswith("new")]) == WELCOME
    assert web.poll() is worker.poll() is None


def troubles(site: Site) -> set[str]:
    """What the issue and the welcome mails say of the mail server."""
    codes = "SELECT trouble FROM newsletter_issue UNION SELECT code FROM newsletter_notice"
    return {code for (code,) in site.sql(codes)}


def at_once(site: Site) -> None:
    """As if the time that it waits were over."""
    site.sql("UPDATE newsletter_issue SET due_at = datetime('now')")
    site.sql("UPDATE newsletter_notice SET due_at = datetime('now') WHERE sent_at IS NULL")
    site.sql("UPDATE newsletter_chunk SET due_at = datetime('now') WHERE NOT closed")


def is_over(site: Site) -> bool:
    ((waiting,),) = site.sql("SELECT COUNT(*) FROM newsletter_notice WHERE sent_at IS NULL")
    return not waiting and site.ledger().state == "finished"
