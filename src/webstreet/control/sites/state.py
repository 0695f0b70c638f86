"""The word that is shown for a site: derived from wish and observation, in Python for one site and in SQL for a list.

Both say the same; tests/control/sites/test_state.py compares them over every combination.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _

from webstreet.control.orchestrators.base import SiteState
from webstreet.control.places.models import STALE_S

if TYPE_CHECKING:
    from webstreet.control.sites.models import Site


class Shown(StrEnum):
    """The word that people read for the state of a site. The order is that of urgency: lists begin with what needs somebody."""

    FAILING = "failing"
    UNKNOWN = "unknown"
    OPENING = "opening"
    UPDATING = "updating"
    SUSPENDING = "suspending"
    CLOSING = "closing"
    SUSPENDED = "suspended"
    RUNNING = "running"
    CLOSED = "closed"


ATTENTION = (Shown.FAILING, Shown.UNKNOWN)
UNDER_WAY = (Shown.OPENING, Shown.UPDATING, Shown.SUSPENDING, Shown.CLOSING)
RANK = {state: rank for rank, state in enumerate(Shown)}


def shown(site: Site, now: dt.datetime) -> Shown:
    """The state of one site; the first line that applies wins."""
    stale = site.cluster.seen_at is not None and not site.cluster.is_seen(now)
    current = site.seen_generation == site.wanted_generation
    rules = (
        (site.closed_at is not None, Shown.CLOSED),
        (site.seen_stalled or site.seen_state == SiteState.FAILING, Shown.FAILING),
        (stale, Shown.UNKNOWN),
        (site.wanted_closing, Shown.CLOSING),
        (site.wanted_suspended and site.seen_state == SiteState.SUSPENDED, Shown.SUSPENDED),
        (site.wanted_suspended, Shown.SUSPENDING),
        (site.seen_state == SiteState.RUNNING and current, Shown.RUNNING),
        (site.served_at is None, Shown.OPENING),
    )
    return next((word for applies, word in rules if applies), Shown.UPDATING)


class SiteQuerySet(models.QuerySet["Site"]):
    def kept(self) -> SiteQuerySet:
        """Not closed."""
        return self.filter(closed_at=None)

    def with_state(self, now: dt.datetime | None = None) -> SiteQuerySet:
        """Adds ``shown_state``, the word of `shown`, and ``attention``, its rank: what needs somebody comes first."""
        stale = Q(cluster__seen_at__lt=(now or timezone.now()) - dt.timedelta(seconds=STALE_S))
        suspended = Q(wanted_suspended=True)
        running = Q(seen_state=SiteState.RUNNING, seen_generation=F("wanted_generation"))
        rules = (
            (Q(closed_at__isnull=False), Shown.CLOSED),
            (Q(seen_stalled=True) | Q(seen_state=SiteState.FAILING), Shown.FAILING),
            (stale, Shown.UNKNOWN),
            (Q(wanted_closing=True), Shown.CLOSING),
            (suspended & Q(seen_state=SiteState.SUSPENDED), Shown.SUSPENDED),
            (suspended, Shown.SUSPENDING),
            (running, Shown.RUNNING),
            (Q(served_at=None), Shown.OPENING),
        )
        word = Case(
            *(When(condition, then=Value(state.value)) for condition, state in rules),
            default=Value(Shown.UPDATING.value),
            output_field=models.CharField(),
        )
        rank = Case(
            *(When(shown_state=state.value, then=Value(number)) for state, number in RANK.items()),
            output_field=models.IntegerField(),
        )
        return self.annotate(shown_state=word).annotate(attention=rank)


@dataclass(frozen=True, slots=True)
class Differs:
    """One thing that is not as wished."""

    what: str
    wanted: str
    seen: str


def differs(site: Site) -> list[Differs]:
    """What is not as wished, for people; empty when all is."""
    found = []
    nothing = _("nothing")
    if site.seen_generation != site.wanted_generation and not (site.wanted_suspended or site.wanted_closing):
        seen = str(site.seen_generation) if site.seen_generation is not None else nothing
        found.append(Differs("generation", str(site.wanted_generation), seen))
    wanted_state = wanted_state_of(site)
    if site.closed_at is None and site.seen_state != wanted_state:
        found.append(Differs("state", wanted_state, site.seen_state or nothing))
    return found


def wanted_state_of(site: Site) -> str:
    """The `SiteState` that would be seen if all were as wished."""
    if site.wanted_closing:
        return SiteState.GONE.value
    return (SiteState.SUSPENDED if site.wanted_suspended else SiteState.RUNNING).value
