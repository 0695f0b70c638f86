"""Domains whose mail lies with a large provider count as that provider's, once a real DNS server has said so."""

from __future__ import annotations

import datetime as dt
import math
import uuid
from collections.abc import Iterator

import pytest
from django.utils import timezone

from webstreet.atoms.newsletter import hosted, pacing, personal_data
from webstreet.atoms.newsletter.buckets import DatabaseBuckets
from webstreet.atoms.newsletter.models import HostedDomain, Issue, MailingList, Subscriber
from webstreet.engine.tasks import ticks
from webstreet.mail.buckets import Limit
from webstreet.mail.pump import Outcome, Result
from webstreet.mail.reason import Reason
from webstreet.testing.dns import DnsServer

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
GOOGLE, OWN = ("aspmx.l.google.com", "alt1.aspmx.l.google.com"), ("mx.other.example",)


@pytest.fixture(autouse=True)
def dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[DnsServer]:
    with DnsServer() as server:
        server.mail_servers = {"firm.example": GOOGLE, "other.example": OWN}
        monkeypatch.setenv("DNS_SERVERS", server.address)
        yield server


@pytest.fixture
def look(drain):
    """What a worker does every few seconds."""

    def work() -> None:
        ticks["webstreet.atoms.newsletter.hosted.look_up_hosted_domains"].run()
        drain()

    return work


def again() -> None:
    HostedDomain.objects.update(due_at=timezone.now())


def waiting(*addresses: str) -> list[str]:
    """Which of these a limit of one mail an hour to Gmail makes wait."""
    issue = Issue.objects.create(article_uuid=uuid.uuid4(), mailing_list=MailingList.main(), subject="Rain")
    families = pacing.Families({"gmail": Limit(1 / 3600, 1)}, None, {})
    gate = pacing.Gate(issue, {}, None, families, DatabaseBuckets(), math.inf)
    turns = gate.admit([(number, 0, address) for number, address in enumerate(addresses)])
    return [addresses[turn.delivery_id] for turn in turns]


def test_a_company_counts_as_its_provider_once_it_is_looked_up(look, dns):
    people = ("a@gmail.com", "b@firm.example", "c@other.example", "d@firm.example")
    assert waiting(*people) == [], "until DNS was asked each domain counts by itself"
    look()
    assert sorted(dns.asked) == ["firm.example", "other.example"], "a provider's own domain needs no question"
    assert waiting(*people) == ["a@gmail.com", "b@firm.example", "d@firm.example"]
    look()
    assert len(dns.asked) == 2, "not again before a week is over"


def test_a_company_that_moves_away_counts_by_itself_again(look, dns):
    hosted.meet(["firm.example"])
    look()
    assert hosted.families(["firm.example"]) == {"firm.example": "gmail"}
    dns.mail_servers["firm.example"] = OWN
    again()
    look()
    assert hosted.families(["firm.example"]) == {"firm.example": "firm.example"}


@pytest.mark.parametrize("said", ["servfail", None])
def test_what_is_known_stays_known_only_while_nobody_can_say(look, dns, said):
    hosted.meet(["firm.example"])
    look()
    del dns.mail_servers["firm.example"]
    if said:
        dns.records["firm.example"] = said
    again()
    look()
    row = HostedDomain.objects.get()
    assert row.family == ("gmail" if said else "")
    assert (row.due_at - timezone.now() < dt.timedelta(hours=2)) is bool(said), "asked again soon"


def test_a_slow_down_of_a_company_is_one_of_its_provider(look):
    hosted.meet(["firm.example"])
    look()
    later = [Result(number, Outcome.DEFERRED, "421 4.7.28 slow down", reason=Reason.SLOW_DOWN) for number in (1, 2)]
    found = pacing.slow_downs_in(later, {1: "b@firm.example", 2: "x@nowhere.example"})
    assert set(found) == {"gmail", "nowhere.example"}


def test_several_workers_look_up_a_name_once(look, dns, queue):
    hosted.meet(["firm.example"])
    hosted.meet(["firm.example", "gmail.com"])
    assert HostedDomain.objects.count() == 1
    tick = ticks["webstreet.atoms.newsletter.hosted.look_up_hosted_domains"].run
    tick()
    tick()
    look()
    assert dns.asked == ["firm.example"]


def test_names_are_forgotten(look, subscribers):
    hosted.meet(["firm.example", "other.example"])
    somebody = Subscriber.objects.create(email="the.boss@firm.example", status="active")
    personal_data.erase(somebody, by=None)
    assert list(HostedDomain.objects.values_list("domain", flat=True)) == ["other.example"]
    HostedDomain.objects.update(met_at=timezone.now() - dt.timedelta(days=29))
    pacing.forget_old(timezone.now())
    hosted.meet(["other.example"])
    assert HostedDomain.objects.get().met_at > timezone.now() - dt.timedelta(hours=1), "met again"
    HostedDomain.objects.update(met_at=timezone.now() - dt.timedelta(days=31))
    pacing.forget_old(timezone.now())
    assert not HostedDomain.objects.exists()
