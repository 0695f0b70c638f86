"""What limits do to an issue, said to an editor: why nothing goes, who waits for which provider, and when it will be over."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.utils import formats, timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from webstreet.atoms.newsletter import harm, mails, pacing
from webstreet.atoms.newsletter.atom import Sending
from webstreet.atoms.newsletter.models.issue import Counts, Issue, IssueState
from webstreet.atoms.newsletter.models.limits import Bucket, Pace, Queue, SlowDown
from webstreet.mail.buckets import Limit
from webstreet.mail.families import TITLES, title_of
from webstreet.mail.outlook import Ahead, Slowed, end_of

SHOWN = 5
SOON = dt.timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence about an issue, with the code of the error if it is one."""

    text: str
    code: str = ""


def notes(issue: Issue, counts: Counts, *, sees_people: bool) -> list[Note]:
    """Why an issue stands still or goes slowly. A domain that is no provider's is for those who may see people."""
    if issue.overdue_since is not None and issue.state == IssueState.DRAFT:
        return [_overdue(issue.overdue_since, issue.created_at)]
    if not counts.open:
        return []
    if issue.paused_at and issue.trouble in (harm.BOUNCES, harm.COMPLAINTS):
        return [_harm(issue, counts)]
    if not issue.may_send:
        return []
    now, sending = timezone.now(), mails.parameters().sending
    found = [Note(text)] if (text := _held(issue, sending, now)) else []
    return found + [Note(text) for text in _providers(issue, sending, now, sees_people=sees_people)]


def _overdue(since: dt.datetime, noticed_at: dt.datetime) -> Note:
    text = _(
        "This issue was due on %(due)s, together with its article. It could be prepared only %(late)s later, so nobody was mailed."
        " Send it now, or cancel it."
    )
    due = formats.date_format(timezone.localtime(since), "DATETIME_FORMAT")
    return Note(text % {"due": due, "late": timesince(since, noticed_at)})


def _harm(issue: Issue, counts: Counts) -> Note:
    sending, stands = mails.parameters().sending, harm.standing(issue, counts)
    if issue.trouble == harm.BOUNCES:
        text = _(
            "%(n)s of %(all)s addresses that were asked for do not exist: %(percent)s %%, more than the %(limit)s %% of this"
            " site’s limit. So the issue paused itself: providers judge a sender by this. Find out where these addresses came"
            " from and remove those who failed. If you resume, what happened until now is not held against the rest."
        )
        values = (stands.bounced, stands.asked, stands.bounces_percent, sending.pause_at_bounces_percent)
    else:
        text = _(
            "%(n)s of %(all)s mails were reported as spam: %(percent)s %%, more than the %(limit)s %% of this site’s limit. So"
            " the issue paused itself: providers judge a sender by this. Ask yourself whether these people know that they"
            " subscribed. If you resume, what happened until now is not held against the rest."
        )
        values = (stands.complained, stands.accepted, stands.complaints_percent, sending.pause_at_complaints_percent)
    shown = [formats.number_format(value, use_l10n=True, force_grouping=True) for value in values[:2]]
    shown += [_decimal(value) for value in values[2:]]
    return Note(text % dict(zip(("n", "all", "percent", "limit"), shown, strict=True)), issue.trouble)


def _held(issue: Issue, sending: Sending, now: dt.datetime) -> str:
    if issue.due_at <= now or issue.trouble:
        return ""
    until = moment_words(issue.due_at, now)
    if issue.held == "quiet":
        return _("Quiet hours: nothing is sent until %(until)s; then it goes on by itself.") % {"until": until}
    if issue.held == "warm_up":
        today = pacing.warm_up_on(sending, now)
        words = {"until": until, "n": formats.number_format(today[1].burst if today else 0, force_grouping=True)}
        return (
            _("Warm-up: this day’s share of %(n)s mails is sent. It goes on by itself at %(until)s, with more.") % words
        )
    if issue.held == "server":
        rates = [rate_words(limit) for limit in _of_servers()]
        return _("Limit of the mail server: %(rate)s.") % {"rate": " + ".join(rates)} if rates else ""
    if issue.held == "site" and sending.per_site:
        return _("Limit of this site: %(rate)s.") % {"rate": rate_words(Limit.parse(sending.per_site))}
    return ""


def _providers(issue: Issue, sending: Sending, now: dt.datetime, *, sees_people: bool) -> list[str]:
    """One sentence for each that recipients wait for, those who wait longest first."""
    families = pacing.families_now(sending, now)
    found: list[str] = []
    for queue in Queue.objects.filter(issue=issue, due_at__gt=now).order_by("-due_at"):
        limit = families.limit(queue.family)
        if limit is None or not (sees_people or queue.family in TITLES) or len(found) == SHOWN:
            continue
        words = {"provider": title_of(queue.family), "rate": rate_words(limit)}
        if queue.family in families.slow:
            text = _(
                "%(provider)s asked to get less: %(rate)s for now, and more again step by step. Others do not wait."
            )
        else:
            text = _("Limit of %(provider)s: %(rate)s. Others do not wait.")
        found.append(text % words)
    return found


def end_words(issue: Issue, counts: Counts, state: IssueState) -> str:
    """When a running issue will be over; empty for one that does not run."""
    if state not in (IssueState.SENDING, IssueState.HELD, IssueState.PREPARING) or not counts.open:
        return ""
    now = timezone.now()
    end = end_of(_ahead(issue, counts, now), now)
    if end is None:
        return _("When it will be over cannot be said yet.")
    if end - now < SOON:
        return _("It will be over in less than two minutes.")
    minute = dt.timedelta(minutes=1 if end - now < dt.timedelta(hours=3) else 10)
    rounded = dt.datetime.fromtimestamp(-(-end.timestamp() // minute.total_seconds()) * minute.total_seconds(), dt.UTC)
    return _("It will be over at about %(when)s if nothing changes.") % {"when": moment_words(rounded, now)}


def _ahead(issue: Issue, counts: Counts, now: dt.datetime) -> Ahead:
    sending = mails.parameters().sending
    shared = [Limit.parse(sending.per_site).per_s] if sending.per_site else []
    shared += [sum(limit.per_s for limit in found)] if (found := _of_servers()) else []
    return Ahead(
        count=counts.open - counts.held - counts.deferred,
        slowed=_slowed(issue, counts, sending, now),
        pace=Pace.recent(issue, now),
        per_s=min(shared, default=None),
        quiet=None if issue.hurried_at else pacing.quiet_hours(sending),
        allowance=None if issue.hurried_at or not sending.warm_up_since else _allowance(sending, now),
        zone=ZoneInfo(sending.time_zone),
        due_at=issue.due_at,
    )


def _of_servers() -> list[Limit]:
    """Limits of the mail servers of the first order, if all of them have one."""
    urls = mails.mail_servers()
    rates = [url.rate for url in urls if url.order == urls[0].order]
    return [Limit.parse(rate) for rate in rates] if all(rates) else []


def _slowed(issue: Issue, counts: Counts, sending: Sending, now: dt.datetime) -> list[Slowed]:
    """Those who wait, shared among the providers as they were made to wait."""
    if not counts.held:
        return []
    families = pacing.families_now(sending, now)
    queues = [(queue.weight, families.limit(queue.family)) for queue in Queue.objects.filter(issue=issue)]
    waits = [(weight, limit) for weight, limit in queues if limit is not None and weight]
    total = sum(weight for weight, _ in waits)
    return [Slowed(-(-counts.held * weight // total), limit.per_s) for weight, limit in waits]


def _allowance(sending: Sending, now: dt.datetime) -> Callable[[dt.datetime], int | None]:
    today = pacing.warm_up_on(sending, now)
    spent = Bucket.objects.filter(name=today[0]).values_list("spent", flat=True).first() if today else None

    def of(moment: dt.datetime) -> int | None:
        found = pacing.warm_up_on(sending, moment)
        if found is None or today is None:
            return None
        return max(0, found[1].burst - int(spent or 0)) if found[0] == today[0] else found[1].burst

    return of


def slow_downs(now: dt.datetime) -> list[SlowDown]:
    """Providers that get less now because they asked for it."""
    rows = SlowDown.objects.filter(steps__gt=0).order_by("family")
    return [row for row in rows if pacing.share_of(row.steps, row.since, now) < 1]


# -- Words -----------------------------------------------------------------------------------------------------------
def moment_words(moment: dt.datetime, now: dt.datetime) -> str:
    """A time of day, with its day when that is not today; in the time zone of who looks."""
    local = timezone.localtime(moment)
    time = formats.date_format(local, "TIME_FORMAT")
    if local.date() == timezone.localtime(now).date():
        return time
    return _("%(time)s on %(day)s") % {"time": time, "day": formats.date_format(local, "MONTH_DAY_FORMAT")}


def rate_words(limit: Limit) -> str:
    """In the unit in which it is at least one: "20 a second", "500 an hour"."""
    if limit.per_s >= 1:
        return _("%(n)s a second") % {"n": _decimal(limit.per_s)}
    if limit.per_s * 60 >= 1:
        return _("%(n)s a minute") % {"n": _decimal(limit.per_s * 60)}
    if limit.per_s * 3600 >= 1:
        return _("%(n)s an hour") % {"n": _decimal(limit.per_s * 3600)}
    return _("%(n)s a day") % {"n": _decimal(limit.per_s * 86_400)}


def _decimal(value: float) -> str:
    rounded = round(value, 2 if value < 1 else 1)
    return formats.number_format(int(rounded) if rounded == int(rounded) else rounded, use_l10n=True)
