"""A worker is killed at each point of a delivery: nobody is lost, and who may have got the mail without our knowing is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.faults.site import Site, until
from webstreet.testing.smtp import Behaviour, RecordingSmtpServer

AUDIENCE, BATCH = 700, 200
"""What is sent in two tenths of a second, and twice what keeps four connections busy."""

pytestmark = pytest.mark.timeout(900)


@dataclass(frozen=True, slots=True)
class Point:
    """How the mail server behaves until the kill, and what the killer waits for; ``uncertain``: whether any may be."""

    name: str
    behaviour: Behaviour
    reached: Callable[[RecordingSmtpServer, Site], bool]
    uncertain: bool = True


def _sending(site: Site) -> int:
    return Counter(site.rows().values())["sending"]


def _data(smtp: RecordingSmtpServer) -> bool:
    return "DATA" in smtp.commands


POINTS = (
    Point("before anything is claimed", Behaviour(), lambda smtp, site: True, uncertain=False),
    Point("claimed, not a byte sent", Behaviour(silent="connect"), lambda smtp, site: _sending(site) > 0),
    Point("before the content", Behaviour(silent="before_data"), lambda smtp, site: _data(smtp)),
    Point("content sent, no reply", Behaviour(silent="after_data"), lambda smtp, site: len(smtp.messages) > 0),
    Point("reply there, outcome not written", Behaviour(delay_s=0.02), lambda smtp, site: len(smtp.messages) > 20),
    Point("outcomes written", Behaviour(delay_s=0.005), lambda smtp, site: "sent" in site.rows().values()),
)


@pytest.mark.requirement("P4")
def test_a_worker_killed_at_any_point_loses_nobody(site_of: Callable[..., Site], smtp: RecordingSmtpServer) -> None:
    site = site_of(EMAIL_URL=smtp.url)
    site.announce(AUDIENCE)
    uncertain = 0
    received: list[str] = []
    for point in POINTS:
        smtp.behaviour = point.behaviour
        received += [address for message in smtp.messages for address in message.recipients]
        smtp.forget()
        smtp.commands.clear()
        worker = site.work()
        until(lambda point=point: point.reached(smtp, site), pause=0.01, what=point.name)
        worker.kill()
        worker.wait(10)
        site.leases_run_out()
        rows = Counter(site.rows().values())
        assert sum(rows.values()) in (0, AUDIENCE), point.name
        in_question = rows["uncertain"] + rows["sending"]
        assert in_question - uncertain <= (BATCH if point.uncertain else 0), point.name
        uncertain = in_question
    smtp.behaviour = Behaviour()
    site.work()
    ledger = site.finished()
    received += [address for message in smtp.messages for address in message.recipients]
    arrived = Counter(received)
    assert len(ledger.rows) == ledger.total == AUDIENCE
    assert set(ledger.counts) == {"sent", "uncertain"}
    assert ledger.among("sent") <= set(arrived), "what is said to be sent has arrived"
    assert set(arrived) <= ledger.among("sent", "uncertain")
    assert max(arrived.values()) == 1, "nobody got it twice"
    assert ledger.counts["uncertain"] == uncertain > 0, "those in flight at the kills, and nobody else"
