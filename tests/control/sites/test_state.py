"""The word for a site is the same in Python and in SQL, over every combination of what it is derived from."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest
from django.utils import timezone

from webstreet.control.clients.models import Client
from webstreet.control.places.models import Cluster, make_local
from webstreet.control.sites.models import Site
from webstreet.control.sites.state import RANK, Shown, shown

NOW = timezone.now()
SEEN = ["", "starting", "running", "suspended", "failing", "gone"]


def test_python_and_sql_agree(acme: Client) -> None:
    fresh, old = make_local(), Cluster.objects.create(name="old", kind="memory", seen_at=NOW - dt.timedelta(hours=1))
    Cluster.objects.filter(pk=fresh.pk).update(seen_at=NOW)
    rows = []
    choices = itertools.product(SEEN, [None, 1, 2], *[[False, True]] * 3, [fresh, old], [None, NOW], [None, NOW])
    for number, (state, generation, suspended, closing, stalled, cluster, served, closed) in enumerate(choices):
        rows.append(
            Site(
                client=acme, cluster=cluster, name=f"s{number}", wanted_generation=2, wanted_suspended=suspended,
                wanted_closing=closing, seen_state=state, seen_generation=generation, seen_stalled=stalled,
                served_at=served, closed_at=closed,
            )
        )  # fmt: skip
    Site.objects.bulk_create(rows)
    found = set()
    for site in Site.objects.with_state(NOW).select_related("cluster"):
        assert shown(site, NOW) == site.shown_state, vars(site)
        assert site.attention == RANK[Shown(site.shown_state)]
        found.add(site.shown_state)
    assert found == set(Shown)


@pytest.mark.parametrize(("first", "second"), [*itertools.pairwise(["failing", "unknown", "opening", "running"])])
def test_what_needs_attention_comes_first(first: str, second: str) -> None:
    assert RANK[Shown(first)] < RANK[Shown(second)]
