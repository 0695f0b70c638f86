"""The gate of a step between several mail servers: each is limited by itself, whatever its share."""

from __future__ import annotations

import pytest

from webstreet.atoms.newsletter import pacing
from webstreet.atoms.newsletter.buckets import DatabaseBuckets
from webstreet.atoms.newsletter.models import Bucket, Issue
from webstreet.mail.url import EmailUrl

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])
NOBODY = pacing.Families({}, None, {})


def spent() -> list[int]:
    return [round(row.spent) for row in Bucket.objects.order_by("name")]


@pytest.mark.requirement("P4")
def test_a_server_with_a_small_share_is_limited_too():
    shared = pacing.servers_of(EmailUrl.parse_all("smtp://a:25?rate=1/h&weight=1 smtp://b:25?weight=99"))
    gate = pacing.Gate(Issue(), shared, None, NOBODY, DatabaseBuckets(), 1e12)
    assert gate.allow(40) == 40
    gate.give_back(1, 40)
    assert spent() == [1], "one of the other 39 may have gone there"
    gate.give_back(0, 39)
    assert spent() == [1]
    assert gate.allow(40) == 0, "an hour has no second one"
    gate.give_back(39, 39)
    assert spent() == [0], "nothing was sent at all"


@pytest.mark.requirement("P4")
def test_the_server_that_stands_in_is_limited_from_the_next_batch_on(parameters):
    """Within a step, as the transport turns to it within one."""
    parameters(sending={"per_site": "100/s"})
    urls = EmailUrl.parse_all("smtp://a:25 smtp://b:25?rate=4/h&order=2")
    away: list[str] = []
    gate = pacing.gate_of(Issue(), lambda: pacing.servers_of(urls, away), 1e12)
    assert gate is not None
    assert gate.allow(1) == 1
    away.append("a:25")
    assert gate.allow(40) == 1, "all that the second takes at once"
    assert gate.hold is None
    gate.give_back(1, 1)
    assert gate.allow(40) == 0
    assert gate.hold is not None
    assert gate.hold.code == "server"


def test_what_is_taken_is_never_more_for_an_error_of_a_fraction():
    assert pacing.Shared(limit=pacing.Limit(1.0, 10), part=7 / 100).part_of(100) == 7
