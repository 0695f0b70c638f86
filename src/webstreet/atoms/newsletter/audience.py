"""How the audience grows: figures written down daily, and what a chart of them needs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.db.models import Count
from django.db.models.functions import TruncDate
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from webstreet.atoms.newsletter.charts import Chart, drawn
from webstreet.atoms.newsletter.models.audience import AudienceDay
from webstreet.atoms.newsletter.models.subscriber import ConsentRecord, Subscriber

Event = ConsentRecord.Event
JOINING = (Event.CONFIRMED, Event.IMPORTED, Event.ADDED, Event.RESTORED)
KEPT_DAYS = 400
PERIODS = 12
Unit = Literal["weeks", "months"]


# -- Writing down ----------------------------------------------------------------------------------------------------
def count_today() -> None:
    """Write today's figures, and yesterday's last ones; the first time also what can be told of earlier days."""
    today = timezone.now().astimezone(dt.UTC).date()
    active = Subscriber.objects.filter(status=Subscriber.Status.ACTIVE).count()
    if not AudienceDay.objects.exists():
        _look_back(today, active)
    yesterday = today - dt.timedelta(days=1)
    joined = _by_day(JOINING, since=yesterday)
    AudienceDay.objects.filter(day=yesterday, joined__lt=joined.get(yesterday, 0)).update(
        joined=joined.get(yesterday, 0)
    )
    AudienceDay.objects.update_or_create(day=today, defaults={"active": active, "joined": joined.get(today, 0)})


def _by_day(events: Iterable[Any], *, since: dt.date) -> dict[dt.date, int]:
    begin = dt.datetime.combine(since, dt.time(), dt.UTC)
    rows = ConsentRecord.objects.filter(event__in=list(events), at__gte=begin)
    days = rows.annotate(day=TruncDate("at", tzinfo=dt.UTC)).values_list("day")
    return dict(days.annotate(n=Count("id")).order_by("day"))


def _look_back(today: dt.date, active: int) -> None:
    """Reckon from the consents, backwards from today; who was erased since is missing."""
    since = today - dt.timedelta(days=KEPT_DAYS)
    joined, left = _by_day(JOINING, since=since), _by_day([Event.WITHDRAWN], since=since)
    if not joined:
        return
    rows, day = [], today
    while day > min(joined):
        active = max(0, active - joined.get(day, 0) + left.get(day, 0))
        day -= dt.timedelta(days=1)
        rows.append(AudienceDay(day=day, active=active, joined=joined.get(day, 0)))
    AudienceDay.objects.bulk_create(rows, batch_size=200, ignore_conflicts=True)


# -- Reading ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Period:
    """One week or month. ``active``: at its end; ``joined`` and ``left`` within it. None: nothing was written down by then.

    ``short``: its label on the axis, where the year is clear.
    """

    label: str
    active: int | None
    joined: int = 0
    left: int = 0
    short: str = ""


def periods(unit: Unit, *, today: dt.date | None = None) -> list[Period]:
    """The last `PERIODS`, oldest first, the running one last; one query."""
    today = today or timezone.now().astimezone(dt.UTC).date()
    starts = _starts(unit, today)
    rows = AudienceDay.objects.filter(day__lte=today).order_by("day").values_list("day", "active", "joined")
    days = list(rows.filter(day__gte=starts[0] - dt.timedelta(days=KEPT_DAYS)))
    found, position, before, active = [], 0, None, None
    for number, start in enumerate(starts):
        end = starts[number + 1] if number + 1 < len(starts) else today + dt.timedelta(days=1)
        joined = 0
        while position < len(days) and days[position][0] < end:
            day, active, joined_then = days[position]
            if day < start:
                before = active
            else:
                joined += joined_then
            position += 1
        left = max(0, (before or 0) + joined - (active or 0))
        label, short = _labels(unit, start)
        found.append(Period(label, active, joined, left if active is not None else 0, short))
        before = active
    return found


def _starts(unit: Unit, today: dt.date) -> list[dt.date]:
    if unit == "weeks":
        monday = today - dt.timedelta(days=today.weekday())
        return [monday - dt.timedelta(weeks=back) for back in range(PERIODS - 1, -1, -1)]
    months = [today.year * 12 + today.month - 1 - back for back in range(PERIODS - 1, -1, -1)]
    return [dt.date(month // 12, month % 12 + 1, 1) for month in months]


def _labels(unit: Unit, start: dt.date) -> tuple[str, str]:
    # Translated, because French writes months small.
    if unit == "weeks":
        label = formats.date_format(start, _("j M"))
        return label, label
    return formats.date_format(start, _("M Y")), formats.date_format(start, _("M"))


# -- The chart -------------------------------------------------------------------------------------------------------
NAMED_EVERY = 3


def chart(found: Sequence[Period]) -> Chart:
    """One bar for each period."""
    return drawn([(period.short or period.label, period.active) for period in found], named_every=NAMED_EVERY)
