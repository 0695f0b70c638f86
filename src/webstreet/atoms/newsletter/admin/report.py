"""An issue's report: every recipient with the server's reply, replies by domain, the same as CSV; and trying again."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST
from wagtail.admin.auth import permission_required

from webstreet.atoms.newsletter import ledger, reports, tasks
from webstreet.atoms.newsletter.admin.subscribers import crumbs
from webstreet.atoms.newsletter.admin.tables import download
from webstreet.atoms.newsletter.models.change import Change
from webstreet.atoms.newsletter.models.delivery import State
from webstreet.atoms.newsletter.models.issue import Issue

PER_PAGE = 100
SEES_PEOPLE = "newsletter.view_subscriber"


def _chosen(request: HttpRequest) -> tuple[str, str]:
    """State and domain to look at; a domain only for those who may see whose it is."""
    state = request.GET.get("state", "")
    domain = request.GET.get("domain", "").strip().lower()[:254] if request.user.has_perm(SEES_PEOPLE) else ""
    return (state if state in State.values else ""), domain


@permission_required("newsletter.view_issue")
def recipients(request: HttpRequest, pk: int) -> HttpResponse:
    issue = get_object_or_404(Issue.objects.defer("html", "text"), pk=pk)
    state, domain = _chosen(request)
    title = issue.subject or _("Issue %(id)s") % {"id": pk}
    counts = issue.counts
    page = Paginator(reports.recipients(issue, state=state, domain=domain), PER_PAGE).get_page(request.GET.get("page"))
    for row in page.object_list:
        row.state = reports.state_of(row)
    totals = [(value, str(label), getattr(counts, value)) for value, label in State.choices]
    totals = [(value, label, n + (counts.claimed if value == "queued" else 0)) for value, label, n in totals]
    above = (reverse("newsletter_admin:issues"), _("Issues")), (reverse("newsletter_admin:issue", args=[pk]), title)
    context = {
        "header_title": _("Recipients"),
        "header_icon": "group",
        "breadcrumbs_items": crumbs(*above, ("", _("Recipients"))),
        "issue": issue,
        "title": title,
        "filters_by_state": [("", _("All"), counts.total), *totals],
        "state": state,
        "domain": domain,
        "sees_people": request.user.has_perm(SEES_PEOPLE),
        "replies": reports.replies(issue) if request.user.has_perm(SEES_PEOPLE) else [],
        "state_labels": dict(State.choices),
        "page": page,
        "keep": urlencode({k: v for k, v in (("state", state), ("domain", domain)) if v}),
    }
    return TemplateResponse(request, "newsletter/admin/recipients.html", context)


@permission_required("newsletter.view_issue")
def as_csv(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """The report as it is filtered."""
    issue = get_object_or_404(Issue.objects.defer("html", "text"), pk=pk)
    state, domain = _chosen(request)
    with_addresses = request.user.has_perm(SEES_PEOPLE)
    return download(reports.lines(issue, state=state, domain=domain, with_addresses=with_addresses), f"issue-{pk}")


@permission_required("newsletter.change_issue")
@require_POST
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Try those again who failed or are uncertain, as chosen."""
    issue = get_object_or_404(Issue, pk=pk)
    states = [state for state in ledger.RETRIED if str(state) in request.POST.getlist("state")]
    count = ledger.try_again(issue, states)
    if count:
        Change.note(Change.Verb.RETRIED, issue, by=request.user.pk)
        tasks.wake(issue)
        messages.success(
            request,
            ngettext("%(n)d mail is tried again.", "%(n)d mails are tried again.", count) % {"n": count},
        )
    else:
        messages.warning(
            request,
            _(
                "Nobody is tried again: nothing was chosen, the issue is cancelled, or nobody of them is still subscribed."
            ),
        )
    return redirect("newsletter_admin:issue", pk=pk)
