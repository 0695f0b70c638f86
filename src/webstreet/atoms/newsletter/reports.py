"""What became of an issue, recipient by recipient. Addresses are for those who may see subscribers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import BooleanField, Case, Count, F, Max, Min, Q, QuerySet, Sum, Value, When
from django.db.models.functions import StrIndex, Substr
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from webstreet.atoms.newsletter.charts import Chart, drawn
from webstreet.atoms.newsletter.models.change import Change
from webstreet.atoms.newsletter.models.counting import HELD, marked, marks_of
from webstreet.atoms.newsletter.models.delivery import LIMIT, Delivery, State
from webstreet.atoms.newsletter.models.issue import Issue
from webstreet.atoms.newsletter.models.limits import Pace
from webstreet.engine.rows import by_key
from webstreet.mail.families import family_of, title_of

REPLIES = 50
PROBLEMS = 50
GROUPS = 2000
"""Of domain and reply that are looked at, the most frequent."""
DOMAINS = 4
SILENT_AFTER = dt.timedelta(seconds=15)
BARS = 30
"""Of the chart of an issue's course, at most."""
HOUR_S, DAY_S = 3600, 86_400
STEPS_S = (10, 30, 60, 300, 900, HOUR_S, 3 * HOUR_S, 6 * HOUR_S, DAY_S, 7 * DAY_S)
"""What one of them may stand for."""
TROUBLED = (State.FAILED, State.DEFERRED, State.UNCERTAIN)


def recipients(issue: Issue, *, state: str = "", domain: str = "") -> QuerySet[Delivery]:
    """The ledger's rows in the order of sending, each with its subscriber if there still is one, and ``under_way`` if it is."""
    under_way = marked(marks_of(issue))
    moving = Case(When(under_way, then=Value(True)), default=Value(False), output_field=BooleanField())
    rows = Delivery.objects.filter(issue=issue).select_related("subscriber").annotate(under_way=moving).order_by("id")
    if state == State.SENDING:
        rows = rows.filter(under_way)
    elif state == State.HELD:
        rows = rows.filter(HELD)
    elif state in State.values:
        rows = rows.filter(state=state).exclude(under_way).exclude(HELD)
    if domain:
        rows = rows.filter(subscriber__email__endswith=f"@{domain}")
    return rows


def state_of(row: Delivery) -> Any:
    """The `State` to show of one of `recipients`."""
    if row.under_way:  # type: ignore[attr-defined]  # annotated
        return State.SENDING
    waits = row.state == State.DEFERRED and row.code == LIMIT and not row.attempts
    return State.HELD if waits else State(row.state)


def problems(issue: Issue) -> list[Delivery]:
    """The last of those who did not get it. Looked for in the chunks that have any, as no index leads to a state."""
    troubled = Q(deferred__gt=0) | Q(failed__gt=0) | Q(uncertain__gt=0) | Q(total=None) | ~Q(lease_token="")
    numbers = list(issue.chunks.filter(troubled).order_by("-number").values_list("number", flat=True)[:PROBLEMS])
    rows = issue.deliveries.filter(number__in=numbers, state__in=TROUBLED).exclude(HELD)
    return list(rows.order_by("-changed_at", "-id")[:PROBLEMS])


@dataclass(slots=True)
class Replies:
    """What servers of one provider said in the same words: to how many, at which domains (the most first)."""

    provider: str
    state: str
    code: str
    reply: str | None
    n: int = 0
    domains: list[str] = field(default_factory=list)


def replies(issue: Issue) -> list[Replies]:
    """What servers said to those who did not get it, by provider (`webstreet.mail.families`); the most frequent first."""
    rows = Delivery.objects.filter(issue=issue, state__in=TROUBLED, subscriber__isnull=False).exclude(HELD)
    email = F("subscriber__email")
    domains = rows.annotate(domain=Substr(email, StrIndex(email, Value("@")) + 1))
    groups = domains.values("domain", "state", "code", "reply").annotate(n=Count("id")).order_by("-n", "domain")
    found: dict[tuple[str, str, str, str | None], Replies] = {}
    for row in groups[:GROUPS]:
        key = (title_of(family_of(row["domain"])), row["state"], row["code"], row["reply"])
        group = found.setdefault(key, Replies(*key))
        group.n += row["n"]
        if len(group.domains) < DOMAINS and row["domain"] not in group.domains:
            group.domains.append(row["domain"])
    return sorted(found.values(), key=lambda group: (-group.n, group.provider))[:REPLIES]


@dataclass(frozen=True, slots=True)
class Course:
    """How many mails of an issue got an answer, over its time. ``most``: in one of the chart's periods of ``seconds``."""

    chart: Chart
    seconds: int
    most: int


def course(issue: Issue) -> Course | None:
    """None: none got an answer yet, or it is longer ago than `Pace.KEPT`."""
    rows = Pace.objects.filter(issue=issue)
    ends = rows.aggregate(first=Min("slot"), last=Max("slot"))
    if ends["first"] is None:
        return None
    first, last = ends["first"] * Pace.SLOT_S, ends["last"] * Pace.SLOT_S
    seconds = next((step for step in STEPS_S if last // step - first // step < BARS), STEPS_S[-1])
    ahead = int(
        (timezone.localtime(dt.datetime.fromtimestamp(first, dt.UTC)).utcoffset() or dt.timedelta()).total_seconds()
    )
    begin = first - (first + ahead) % seconds
    # Added up there: the page is asked for every second, and an issue that takes days has thousands of slots.
    into = F("slot") - (F("slot") + ahead // Pace.SLOT_S) % (seconds // Pace.SLOT_S)
    found = rows.annotate(start=into).values_list("start").order_by("start").annotate(n=Sum("count"))
    counts = [0] * ((last - begin) // seconds + 1)
    for start, count in found:
        counts[(start * Pace.SLOT_S - begin) // seconds] += int(count)
    shape = _("j M") if seconds > HOUR_S else "TIME_FORMAT"
    moments = (timezone.localtime(dt.datetime.fromtimestamp(begin + n * seconds, dt.UTC)) for n in range(len(counts)))
    values = [(formats.date_format(moment, shape), count) for moment, count in zip(moments, counts, strict=True)]
    return Course(drawn(values, named_every=max(1, -(-len(values) // 4))), seconds, max(counts))


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened to an issue, and who did it (a user's id; None: the site)."""

    at: dt.datetime
    what: str
    by: int | None = None


def timeline(issue: Issue) -> list[Moment]:
    """From being made to its last answer, oldest first."""
    found = [Moment(row.at, row.get_verb_display(), row.user_id) for row in _changes(issue)]
    if issue.started_at and not any(c.verb == Change.Verb.STARTED for c in _changes(issue)):
        # The row is made a moment after that.
        found.append(
            Moment(
                max(issue.started_at, issue.created_at, *(m.at for m in found[:1])),
                _("Started when the article was published"),
            )
        )
    if issue.frozen_at:
        found.append(Moment(issue.frozen_at, _("Audience written down")))
    sent = _accepted(issue)
    if sent["first"] and sent["last"]:
        found.append(Moment(sent["first"], _("First mail accepted")))
        if sent["last"] != sent["first"]:
            found.append(Moment(sent["last"], _("Last mail accepted")))
    if issue.archived_at:
        found.append(Moment(issue.archived_at, _("Record of the recipients removed; the totals remain")))
    return sorted(found, key=lambda moment: moment.at)


def _accepted(issue: Issue) -> dict[str, dt.datetime | None]:
    """When the ``first`` and the ``last`` mail were accepted."""
    if issue.archived_at is None:
        rows = issue.deliveries.filter(state=State.SENT)
        return dict(rows.aggregate(first=Min("changed_at"), last=Max("changed_at")))
    totals = issue.totals or {}
    return {name: dt.datetime.fromisoformat(totals[name]) if name in totals else None for name in ("first", "last")}


def _changes(issue: Issue) -> QuerySet[Change]:
    return Change.objects.filter(noun="issue", noun_id=issue.pk).order_by("id")


@dataclass(frozen=True, slots=True)
class Silence:
    """Mails that a worker took and gave no sign of since. Until ``known_at`` nobody can tell a dead worker from a slow one."""

    count: int
    since: dt.datetime
    known_at: dt.datetime


def silence(issue: Issue) -> Silence | None:
    """What a worker that may be dead holds: marked as sending longer ago than a worker normally takes."""
    now = timezone.now()
    held = issue.chunks.filter(closed=False, lease_until__gt=now)
    marks = [mark for mark in marks_of(issue) if mark.leased and mark.at and mark.at < now - SILENT_AFTER]
    count = issue.deliveries.filter(marked(marks)).count() if marks else 0
    if not count:
        return None
    known_at = held.aggregate(last=Max("lease_until"))["last"]
    return Silence(count, min(mark.at for mark in marks if mark.at), known_at or now)


def lines(issue: Issue, *, state: str, domain: str, with_addresses: bool) -> Iterator[list[str]]:
    """The report as rows of a table, the heading first."""
    head = ["subscriber", "state", "attempts", "code", "reply", "at"]
    yield ["email", *head] if with_addresses else head
    for row in by_key(recipients(issue, state=state, domain=domain)):
        state_now = str(state_of(row))
        values = [str(row.subscriber_id or ""), state_now, str(row.attempts), row.code, row.reply or ""]
        values.append(row.changed_at.isoformat(timespec="seconds"))
        email = row.subscriber.email if row.subscriber else ""
        yield [email, *values] if with_addresses else values
