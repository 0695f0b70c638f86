"""What may go now: limits of the site, of the mail server and of each provider, warm-up, quiet hours.

Nothing here waits. What may not go now gets a time, and the worker does something else. Who is over a provider's limit gets a turn of
their own (`Turn`) and holds up nobody beside them; what holds for all of an issue holds the issue (`Hold`). A site without any limit has no
`Gate`, and its batches ask nothing.
"""

from __future__ import annotations

import datetime as dt
import math
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.db.models import F, Min
from django.utils import timezone

from webstreet.atoms.newsletter import hosted, mails
from webstreet.atoms.newsletter.atom import Sending
from webstreet.atoms.newsletter.buckets import DatabaseBuckets, buckets, hidden
from webstreet.atoms.newsletter.models.issue import Issue
from webstreet.atoms.newsletter.models.limits import FAMILY_MAX, Bucket, Pace, Queue, SlowDown
from webstreet.atoms.newsletter.turns import Turn
from webstreet.mail import warming
from webstreet.mail.buckets import Buckets, Grant, Limit, Want
from webstreet.mail.families import TITLES, domain_of
from webstreet.mail.hours import QuietHours, next_at
from webstreet.mail.pump import Outcome, Result
from webstreet.mail.reason import Reason
from webstreet.mail.url import EmailUrl

RECOMMENDED = {
    "gmail": "20/s", "microsoft": "10/s", "yahoo": "10/s", "apple": "10/s", "comcast": "5/s", "gmx": "5/s", "mailru": "5/s",
    "yandex": "5/s", "tonline": "2/s", "orange": "2/s", "free": "2/s", "sfr": "2/s", "laposte": "2/s", "proton": "2/s", "zoho": "2/s",
}  # fmt: skip
"""No provider publishes a rate; these are ours, cautious for a sender that is known and too much for none that keeps to warm-up."""
OTHERS = "5/s"
"""Of `RECOMMENDED`, for each other domain."""
HORIZON = dt.timedelta(hours=1)
"""Turns are given so far ahead; who is behind them asks again then. So a limit that was raised counts soon."""
RECOVER = dt.timedelta(minutes=10)
"""A provider that asked for less gets twice as much again after so long without asking again."""
AGAIN_AFTER = dt.timedelta(minutes=1)
"""Several replies within it are one request: they were on their way together."""
STEPS_MAX = 6
SOON = dt.timedelta(seconds=30)
"""Waits no longer than this are ended to the second by the worker that met them; longer ones by the sweeper."""
AT_LEAST = dt.timedelta(seconds=0.5)


@dataclass(frozen=True, slots=True)
class Hold:
    """Why an issue as a whole may send nothing before ``until``. ``code``: quiet, warm_up, site, server."""

    code: str
    until: dt.datetime


# -- What holds for all ----------------------------------------------------------------------------------------------
def quiet_hours(sending: Sending) -> QuietHours | None:
    if not sending.quiet_from:
        return None
    begin, end = dt.time.fromisoformat(sending.quiet_from), dt.time.fromisoformat(sending.quiet_until)
    return QuietHours(begin, end, ZoneInfo(sending.time_zone))


def quiet_now(issue: Issue, now: dt.datetime) -> Hold | None:
    """Nothing to ask the database for."""
    hours = None if issue.hurried_at else quiet_hours(mails.parameters().sending)
    until = hours.until(now) if hours else None
    return Hold("quiet", until) if until else None


def warm_up_on(sending: Sending, now: dt.datetime) -> tuple[str, Limit, dt.datetime] | None:
    """Bucket of this day of the warm-up, what is in it, and when the next day begins; None: there is no limit (any more)."""
    if not sending.warm_up_since:
        return None
    zone = ZoneInfo(sending.time_zone)
    day = now.astimezone(zone).date()
    most = warming.allowance(dt.date.fromisoformat(sending.warm_up_since), day)
    return None if most is None else (f"warm-up {day}", Limit(0.0, most), next_at(dt.time(0), zone, now))


# -- Providers -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Families:
    """The limit of each family now: by parameter, and less for those that asked for it. ``others``: of each that is not named."""

    named: Mapping[str, Limit]
    others: Limit | None
    slow: Mapping[str, float]
    """Shares of their rates, of those that are to get less."""

    def __bool__(self) -> bool:
        return bool(self.named or self.others or self.slow)

    def limit(self, family: str) -> Limit | None:
        found = self.named.get(family) or self.others
        share = self.slow.get(family)
        if share is None:
            return found
        # Nobody limited it, and it wants less: less than what we would have recommended.
        return (found or Limit.parse(RECOMMENDED.get(family, OTHERS))).slower(share)


def families_now(sending: Sending, now: dt.datetime) -> Families:
    """One query, for those that asked for less."""
    recommended = sending.providers == "recommended"
    rates = dict(RECOMMENDED) if recommended else {}
    others = OTHERS if recommended else ""
    for row in sending.provider_rates:
        if row.provider == "others":
            others = row.rate
        else:
            rates[row.provider] = row.rate
    slow = {}
    for family, steps, since in SlowDown.objects.filter(steps__gt=0).values_list("family", "steps", "since"):
        share = share_of(steps, since, now)
        if share < 1:
            slow[family] = share
    return Families(
        {name: Limit.parse(rate) for name, rate in rates.items()}, Limit.parse(others) if others else None, slow
    )


def steps_left(steps: int, since: dt.datetime, now: dt.datetime) -> int:
    return max(0, steps - int(max(now - since, dt.timedelta(0)) / RECOVER))


def share_of(steps: int, since: dt.datetime, now: dt.datetime) -> float:
    """Of its rate that a family gets: half for each step that is left."""
    return float(0.5 ** steps_left(steps, since, now))


def note_slow_downs(found: Mapping[str, str], now: dt.datetime) -> None:
    """Families that asked for less just now, with the code of the reply: half of what they got before."""
    for family, code in found.items():
        row, created = SlowDown.objects.get_or_create(family=family[:FAMILY_MAX], defaults={"since": now, "steps": 1})
        if not created and (now - row.since >= AGAIN_AFTER or row.since > now):
            steps = min(STEPS_MAX, steps_left(row.steps, row.since, now) + 1)
            # Several workers heard it: the first of them writes.
            SlowDown.objects.filter(pk=row.pk, since=row.since).update(steps=steps, since=now, code=code[:40])
        elif created:
            SlowDown.objects.filter(pk=row.pk).update(code=code[:40])


def slow_downs_in(results: Sequence[Result], addresses: Mapping[int, str]) -> dict[str, str]:
    """Family and code of the replies that ask for less. ``addresses``: by the results' keys."""
    codes = {
        domain_of(addresses[result.key]): result.code
        for result in results
        if result.reason is Reason.SLOW_DOWN and result.outcome is Outcome.DEFERRED and result.key in addresses
    }
    found = hosted.families(codes) if codes else {}
    return {found[domain]: code for domain, code in codes.items()}


def next_turn(issue: Issue) -> dt.datetime | None:
    """When something of an issue may go again, if that is soon: `SOON`. One query, where there are limits; else None."""
    if not issue.may_send or (not issue.held and not Queue.objects.filter(issue=issue).exists()):
        return None
    waiting = issue.chunks.filter(closed=False, lease_until=None)
    first = waiting.aggregate(first=Min("due_at"))["first"] if not issue.held else None
    now, moment = timezone.now(), max(issue.due_at, first or issue.due_at)
    return max(moment, now + AT_LEAST) if now - SOON < moment < now + SOON else None


# -- The gate --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Shared:
    """A limit of all that goes, or of the ``part`` of it that goes to one of several mail servers."""

    limit: Limit
    part: float = 1.0

    def part_of(self, count: int) -> int:
        # 7 of 100 are 7, whatever a float says.
        return math.ceil(count * self.part - 1e-6)


def gate_of(issue: Issue, servers: Callable[[], Mapping[str, Shared]] | None, until: float) -> Gate | None:
    """What a step of an issue has to pass; None when there is no limit.

    Args:
        servers: gives the limits of the mail servers that are used at that moment, by name: others may be before the step is over. None:
            no server has one.
        until: when the step ends, in monotonic seconds.
    """
    now, sending = timezone.now(), mails.parameters().sending
    shared = _shared(sending, {})
    today = None if issue.hurried_at else warm_up_on(sending, now)
    families = families_now(sending, now)
    if not (shared or servers or today or families):
        return None
    return Gate(issue, shared, today, families, buckets(), until, servers)


def servers_of(urls: Sequence[EmailUrl], left_out: Collection[str] = ()) -> dict[str, Shared]:
    """Limits of the mail servers that get what goes now: those of the smallest order that are not left out, each its part by weight."""
    usable = [url for url in urls if url.name not in left_out] or list(urls)
    used = [url for url in usable if url.order == usable[0].order]
    weights = sum(url.weight for url in used)
    return {
        f"server {hidden(url.name)}": Shared(Limit.parse(url.rate), url.weight / weights) for url in used if url.rate
    }


def _shared(sending: Sending, servers: Mapping[str, Shared]) -> dict[str, Shared]:
    """Limits that are everybody's."""
    return {**({"site": Shared(Limit.parse(sending.per_site))} if sending.per_site else {}), **servers}


class Gate:
    """For one step of one worker. First `allow`, then `admit` those who were found; what was not used goes back by `give_back`."""

    def __init__(
        self,
        issue: Issue,
        shared: Mapping[str, Shared],
        today: tuple[str, Limit, dt.datetime] | None,
        families: Families,
        store: Buckets,
        until: float,
        servers: Callable[[], Mapping[str, Shared]] | None = None,
    ) -> None:
        self._everybodys, self._servers, self._returns_to = shared, servers, frozenset(shared)
        self._issue, self._shared, self._today, self._families, self._store = issue, shared, today, families, store
        self._until = until
        # In the database, whatever else is in Redis: an emptied Redis would give away the day a second time.
        self._days = DatabaseBuckets()
        self._tails: dict[str, dt.datetime] = {}
        self._knows_tails = False
        self._servers_seen = False
        self.hold: Hold | None = None
        self.is_cut = False
        """The step was over before somebody was found who may go."""

    def allow(self, count: int) -> int:
        """How many of up to ``count`` may be claimed; 0: `hold` says why."""
        self._look_at_servers()
        count = min([count, *(max(1, int(one.limit.burst / one.part)) for one in self._shared.values())])
        grants = self._store.take({name: Want(one.limit, one.part_of(count)) for name, one in self._shared.items()})
        if self._today is not None:
            name, limit, _ = self._today
            grants |= self._days.take({name: Want(limit, count)})
        allowed = min([count, *(int(grant.count / self._part(name)) for name, grant in grants.items())])
        self._return({name: grant.count - self._part_of(name, allowed) for name, grant in grants.items()})
        self.hold = self._hold(grants) if not allowed else None
        return allowed

    def _look_at_servers(self) -> None:
        if self._servers is None:
            return
        now = {**self._everybodys, **self._servers()}
        is_first, self._servers_seen = not self._servers_seen, True
        if is_first:
            self._returns_to = frozenset(now)
        elif now != self._shared:
            # Nobody knows any more from which of them a batch was taken: what one of them did not use is lost to it.
            self._returns_to = frozenset(self._everybodys)
        self._shared = now

    def _part(self, name: str) -> float:
        return self._shared[name].part if name in self._shared else 1.0

    def _part_of(self, name: str, count: int) -> int:
        return self._shared[name].part_of(count) if name in self._shared else count

    def _hold(self, grants: Mapping[str, Grant]) -> Hold:
        name = max(grants, key=lambda name: grants[name].wait_s)
        if self._today is not None and name == self._today[0]:
            return Hold("warm_up", self._today[2])
        # Not each of them alone: what comes free in a second goes together.
        return Hold(name.partition(" ")[0], timezone.now() + dt.timedelta(seconds=max(1.0, grants[name].wait_s)))

    def is_late(self) -> bool:
        if time.monotonic() >= self._until:
            self.is_cut = True
        return self.is_cut

    def give_back(self, count: int, of: int) -> None:
        """``count`` of the ``of`` that were taken: what is kept is rounded up as it was when it was taken, or a server with a small share
        would get all of it back.
        """
        names = [*self._returns_to, *([self._today[0]] if self._today else [])]
        self._return({name: self._part_of(name, of) - self._part_of(name, of - count) for name in names})

    def _return(self, counts: Mapping[str, int]) -> None:
        back = {name: count for name, count in counts.items() if count > 0}
        if back and self._today is not None and (count := back.pop(self._today[0], 0)):
            self._days.give_back({self._today[0]: count})
        if back:
            self._store.give_back(back)

    def admit(self, people: Sequence[tuple[int, int, str]]) -> list[Turn]:
        """Those of ``people`` (id of the delivery, attempts, address) who have to wait for their turn; the others are taken."""
        if not self._families:
            return []
        families = hosted.meet({domain_of(email) for _, _, email in people})
        mine = [(pk, tried, families[domain_of(email)]) for pk, tried, email in people]
        wanted = Counter(family for _, _, family in mine)
        limits = {family: limit for family in wanted if (limit := self._families.limit(family)) is not None}
        names = {family: bucket_of(family) for family in limits}
        grants = self._store.take({names[family]: Want(limit, wanted[family]) for family, limit in limits.items()})
        left = {family: grants[names[family]].count for family in limits}
        turns: list[Turn] = []
        late: dict[str, list[tuple[int, int]]] = {}
        for pk, tried, family in mine:
            if left.get(family, 1) > 0:
                left[family] = left.get(family, 2) - 1 if family in limits else 1
            else:
                late.setdefault(family, []).append((pk, tried))
        for family, rows in late.items():
            turns += self._turns(family, limits[family], grants[names[family]], rows)
        return turns

    def _turns(self, family: str, limit: Limit, grant: Grant, rows: Sequence[tuple[int, int]]) -> list[Turn]:
        """One after the other behind those who wait already, as far as `HORIZON`. Two workers may give the same turns: buckets decide."""
        now = timezone.now()
        last = now + (RECOVER if family in self._families.slow else HORIZON)
        moment = max(self._tail(family, now), now + dt.timedelta(seconds=grant.wait_s))
        found = []
        for pk, tried in rows:
            found.append(Turn(pk, tried, min(_whole_second(moment), last)))
            moment = min(last, moment + dt.timedelta(seconds=1 / limit.per_s))
        self._keep_tail(family, moment, len(rows))
        return found

    def _tail(self, family: str, now: dt.datetime) -> dt.datetime:
        if not self._knows_tails:
            self._knows_tails = True
            self._tails = dict(Queue.objects.filter(issue=self._issue).values_list("family", "due_at"))
        return self._tails.get(family, now)

    def _keep_tail(self, family: str, moment: dt.datetime, count: int) -> None:
        self._tails[family] = moment
        mine = Queue.objects.filter(issue=self._issue, family=family[:FAMILY_MAX])
        if not mine.update(due_at=moment, weight=F("weight") + count):
            Queue.objects.get_or_create(
                issue=self._issue, family=family[:FAMILY_MAX], defaults={"due_at": moment, "weight": count}
            )


def _whole_second(moment: dt.datetime) -> dt.datetime:
    """Who has a turn in the same second goes together."""
    return dt.datetime.fromtimestamp(math.ceil(moment.timestamp()), tz=dt.UTC)


def bucket_of(family: str) -> str:
    """A provider's name; of a domain that is none, a keyed hash: it may be somebody's name."""
    return f"to {family}" if family in TITLES else f"to {hidden(family)}"


def spend_one(address: str, servers: Mapping[str, Shared]) -> None:
    """A mail that somebody waits for goes ahead of all issues, and counts."""
    now, sending = timezone.now(), mails.parameters().sending
    wants = {name: Want(one.limit, 1, force=True) for name, one in _shared(sending, servers).items()}
    if sending.providers != "off" or sending.provider_rates:
        domain = domain_of(address)
        family = hosted.families([domain])[domain]
        limit = families_now(sending, now).limit(family)
        wants |= {bucket_of(family): Want(limit, 1, force=True)} if limit else {}
    if wants:
        buckets().take(wants)
    if today := warm_up_on(sending, now):
        DatabaseBuckets().take({today[0]: Want(today[1], 1, force=True)})


def forget_old(now: dt.datetime) -> None:
    """Buckets that are full again, providers that get all again, domains that nobody met."""
    hosted.forget_old(now)
    Bucket.objects.filter(at__lt=now.timestamp() - 2 * 86_400).delete()
    Pace.objects.filter(slot__lt=Pace.slot_of(now - Pace.KEPT)).delete()
    Queue.objects.filter(due_at__lt=now - dt.timedelta(days=2)).delete()
    SlowDown.objects.filter(since__lt=now - RECOVER * STEPS_MAX - dt.timedelta(days=1)).delete()
