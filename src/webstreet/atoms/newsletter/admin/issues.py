"""Issues: list, and a live page with what became of every recipient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from wagtail.admin.auth import permission_required

from webstreet.atoms.newsletter import actions, events, harm, ledger, reports, tasks
from webstreet.atoms.newsletter.admin import limits
from webstreet.atoms.newsletter.admin.subscribers import crumbs
from webstreet.atoms.newsletter.models.change import Change
from webstreet.atoms.newsletter.models.delivery import State
from webstreet.atoms.newsletter.models.event import Event
from webstreet.atoms.newsletter.models.issue import Counts, Issue, IssueState
from webstreet.atoms.newsletter.models.lists import MailingList
from webstreet.atoms.newsletter.models.subscriber import Subscriber
from webstreet.kernel.errors import WebstreetError

PER_PAGE = 20
SETTLED = (IssueState.FINISHED, IssueState.CANCELLED, IssueState.DRAFT)


def _list_crumb() -> tuple[str, str]:
    return reverse("newsletter_admin:issues"), _("Issues")


@permission_required("newsletter.view_issue")
def index(request: HttpRequest) -> HttpResponse:
    page = Paginator(Issue.objects.defer("html", "text").order_by("-id"), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "header_title": _("Issues"),
        "header_icon": "mail",
        "breadcrumbs_items": crumbs(("", _("Issues"))),
        "page": page,
        "rows": [(issue, issue.state, issue.counts) for issue in page.object_list],
        "keep": "",
    }
    return TemplateResponse(request, "newsletter/admin/issues.html", context)


def _status(issue: Issue, request: HttpRequest) -> dict[str, object]:
    counts, state = issue.counts, issue.state
    names = ("queued", "held", "claimed", "sending", "sent", "deferred", "failed", "suppressed", "uncertain")
    labels = {**dict(State.choices), "claimed": _("Taken by a worker")}
    settled = state in SETTLED and not counts.open
    course = reports.course(issue)
    problems = reports.problems(issue) if counts.deferred or counts.failed or counts.uncertain else []
    return {
        "issue": issue,
        "state": state,
        "counts": counts,
        "rows": [(name, labels[name], getattr(counts, name)) for name in names],
        "problems": problems,
        "settled": settled,
        "retry": _retry(issue, counts),
        "came_back": _came_back(issue, counts, settled=settled),
        "silence": reports.silence(issue) if counts.sending else None,
        "course": course,
        "course_words": _course_words(course) if course is not None else "",
        "limit_notes": limits.notes(issue, counts, sees_people=request.user.has_perm("newsletter.view_subscriber")),
        "end_words": limits.end_words(issue, counts, state),
        "harmed": issue.trouble in (harm.BOUNCES, harm.COMPLAINTS),
        "may_hurry": state == IssueState.HELD,
        "may_pause": state in (IssueState.SENDING, IssueState.PREPARING, IssueState.WAITING, IssueState.HELD),
        "may_resume": state == IssueState.PAUSED,
        "may_start": state == IssueState.DRAFT,
        "may_cancel": state not in (IssueState.FINISHED, IssueState.CANCELLED),
        "expected": _audience(issue) if state == IssueState.DRAFT else 0,
    }


_PERIODS = {
    10: gettext_lazy("10 seconds"),
    30: gettext_lazy("30 seconds"),
    60: gettext_lazy("1 minute"),
    300: gettext_lazy("5 minutes"),
    900: gettext_lazy("15 minutes"),
    3600: gettext_lazy("1 hour"),
    10_800: gettext_lazy("3 hours"),
    21_600: gettext_lazy("6 hours"),
    86_400: gettext_lazy("1 day"),
    604_800: gettext_lazy("7 days"),
}


def _course_words(course: reports.Course) -> str:
    return _("Each bar: mails that were answered within %(period)s. The highest: %(most)s.") % {
        "period": _PERIODS[course.seconds],
        "most": intcomma(course.most),
    }


def _came_back(issue: Issue, counts: Counts, *, settled: bool) -> list[tuple[str, int]]:
    """What was told of this issue's mails after they were sent: its name, and of how many mails. Who got theirs only when nothing moves
    any more, and the page is not asked for every second.
    """
    found = events.rates(issue, counts)
    labels = dict(Event.Kind.choices)
    rows = [
        (labels[Event.Kind.HARD], found.hard),
        (labels[Event.Kind.SOFT], found.soft),
        (labels[Event.Kind.COMPLAINT], found.complaints),
        (labels[Event.Kind.UNSUBSCRIBED], found.unsubscribed),
    ]
    if settled:
        rows.append((labels[Event.Kind.DELIVERED], events.delivered(issue)))
    return rows if any(count for _label, count in rows) else []


def _retry(issue: Issue, counts: Counts) -> list[tuple[str, str, int, int]]:
    """State, its label, how many are in it, and how many of them may be tried again."""
    if issue.cancelled_at or issue.archived_at:
        return []
    found = []
    for state in ledger.RETRIED:
        count = getattr(counts, str(state))
        if count:
            found.append((state.value, str(state.label), count, ledger.retriable(issue, [state]).count()))
    return found


def _audience(issue: Issue) -> int:
    return Subscriber.objects.filter(
        memberships__mailing_list=issue.mailing_list_id, status=Subscriber.Status.ACTIVE
    ).count()


@permission_required("newsletter.view_issue")
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    issue = get_object_or_404(Issue.objects.select_related("mailing_list"), pk=pk)
    title = issue.subject or _("Issue %(id)s") % {"id": pk}
    context = {
        "header_title": title,
        "header_icon": "mail",
        "breadcrumbs_items": crumbs(_list_crumb(), ("", title)),
        "timeline": reports.timeline(issue),
        "lists": MailingList.objects.count(),
        **_status(issue, request),
    }
    return TemplateResponse(request, "newsletter/admin/issue.html", context)


@never_cache
@permission_required("newsletter.view_issue")
def status(request: HttpRequest, pk: int) -> HttpResponse:
    """The live part of the page, asked for again and again by live.js."""
    return render(request, "newsletter/admin/issue_status.html", _status(get_object_or_404(Issue, pk=pk), request))


def _pause(issue: Issue, by: int | None) -> bool:
    return issue.pause()


def _resume(issue: Issue, by: int | None) -> bool:
    harm.looked_at(issue)
    return issue.resume()


def _hurry(issue: Issue, by: int | None) -> bool:
    return issue.hurry()


def _cancel(issue: Issue, by: int | None) -> bool:
    return issue.cancel()


def _start(issue: Issue, by: int | None) -> bool:
    actions.start_issue(issue, by=by)
    return True


_VERBS: dict[str, tuple[Callable[[Issue, int | None], bool], Any]] = {
    "pause": (_pause, Change.Verb.PAUSED),
    "resume": (_resume, Change.Verb.RESUMED),
    "cancel": (_cancel, Change.Verb.CANCELLED),
    "start": (_start, ""),
    "hurry": (_hurry, Change.Verb.HURRIED),
}
"""What each verb does (it says whether anything changed), and how that is noted; `actions.start_issue` notes its own."""


@permission_required("newsletter.change_issue")
@require_POST
def act(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """pause, resume, cancel, start, hurry."""
    issue = get_object_or_404(Issue, pk=pk)
    run, noted = _VERBS[verb]
    try:
        changed = run(issue, request.user.pk)
    except WebstreetError as error:
        messages.error(
            request,
            f"{_('This cannot be done now. Look at the state of the issue and of its article.')} ({error.error_code})",
        )
        return redirect("newsletter_admin:issue", pk=pk)
    if changed and noted:
        Change.note(noted, issue, by=request.user.pk)
    if changed:
        tasks.wake(issue)
        messages.success(request, _said(verb))
    return redirect("newsletter_admin:issue", pk=pk)


def _said(verb: str) -> str:
    return {
        "pause": _("Paused. Nothing more is sent until you resume."),
        "resume": _("Sending goes on."),
        "cancel": _("Cancelled. Nothing more is sent."),
        "start": _("The issue is on its way."),
        "hurry": _("The issue is sent now, whatever the hour. Limits of providers still hold."),
    }[verb]
