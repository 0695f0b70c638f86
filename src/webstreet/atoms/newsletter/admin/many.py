"""Actions on many subscribers: asked for with numbers, done in the background, watched on a page of their own."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from wagtail.admin.auth import permission_required

from webstreet.atoms.newsletter import bulk, suppression, tasks
from webstreet.atoms.newsletter.admin import suppressed
from webstreet.atoms.newsletter.admin.subscribers import PER_PAGE, crumbs, list_crumb
from webstreet.atoms.newsletter.admin.suppressed import WhyForm
from webstreet.atoms.newsletter.bulk import Filters
from webstreet.atoms.newsletter.models.base import alias, atomic
from webstreet.atoms.newsletter.models.bulk import BulkJob
from webstreet.atoms.newsletter.models.lists import MailingList
from webstreet.atoms.newsletter.models.subscriber import Subscriber
from webstreet.atoms.newsletter.suppression import Listed
from webstreet.engine.tasks import enqueue_on_commit

PERMISSIONS = {str(BulkJob.Verb.REMOVE): "newsletter.delete_subscriber"}
VERBS = frozenset(BulkJob.Verb.values) - {str(BulkJob.Verb.LIFT)}
"""Of the subscribers' list; the last is that of the suppression list, and asks why."""


@permission_required("newsletter.view_subscriber")
@require_POST
def many(request: HttpRequest) -> HttpResponse:
    """First says what would happen to how many; with ``count`` given as that number, begins it."""
    verb, _colon, key = request.POST.get("verb", "").partition(":")
    if verb not in VERBS:
        messages.error(request, _("Choose what is to be done."))
        return redirect("newsletter_admin:subscribers")
    if not request.user.has_perm(PERMISSIONS.get(verb, "newsletter.change_subscriber")):
        raise PermissionDenied
    mailing_list = MailingList.objects.filter(key=key.replace("\0", "")).first() if key else None
    if mailing_list is None and verb in (BulkJob.Verb.JOIN, BulkJob.Verb.LEAVE):
        messages.error(request, _("Choose what is to be done."))
        return redirect("newsletter_admin:subscribers")
    whole = request.POST.get("scope") == "all"
    filters = Filters.read(QueryDict(request.POST.get("filters", "")[:2000])) if whole else None
    ids = [] if whole else chosen_ids(request)
    rows = filters.apply(Subscriber.objects.all()) if filters is not None else Subscriber.objects.filter(pk__in=ids)
    count = rows.count()
    if not count:
        messages.warning(request, _("Nobody is chosen, so nothing was done."))
        return redirect("newsletter_admin:subscribers")
    if "count" in request.POST and request.POST["count"].strip() == str(count):
        with atomic():
            job = bulk.begin(verb, filters=filters, ids=ids, mailing_list=mailing_list, by=request.user.pk)
            enqueue_on_commit(tasks.bulk_step, job.pk, using=alias())
        return redirect("newsletter_admin:job", pk=job.pk)
    context = {
        "header_title": BulkJob.Verb(verb).label,
        "header_icon": "group",
        "breadcrumbs_items": crumbs(list_crumb(), ("", str(BulkJob.Verb(verb).label))),
        "verb": verb,
        "asked": request.POST.get("verb", ""),
        "mailing_list": mailing_list,
        "count": count,
        "wrong": "count" in request.POST,
        "scope": request.POST.get("scope", ""),
        "filters": filters.query() if filters is not None else "",
        "ids": ids,
    }
    status = 422 if context["wrong"] else 200
    return TemplateResponse(request, "newsletter/admin/many.html", context, status=status)


def chosen_ids(request: HttpRequest) -> list[int]:
    """Those whose boxes on a page were checked."""
    return [int(pk) for pk in request.POST.getlist("id")[:PER_PAGE] if _is_number(pk)]


def _is_number(text: str) -> bool:
    """Of a row: no database takes more than 64 bits."""
    return text.isascii() and text.isdecimal() and len(text) < 19


@permission_required("newsletter.change_subscriber")
@require_POST
def lift(request: HttpRequest) -> HttpResponse:
    """Have many of the suppression list written to again: first says who that is, then asks why."""
    whole = request.POST.get("scope") == "all"
    shown = Listed.read(QueryDict(request.POST.get("filters", "")[:2000])) if whole else None
    ids = [] if whole else chosen_ids(request)
    chosen = (
        shown.apply(Subscriber.objects.all()) if shown else Subscriber.objects.filter(pk__in=ids, status="suppressed")
    )
    rows = suppression.liftable(chosen)
    count = rows.count()
    if not count:
        messages.warning(request, _("Nobody is chosen whom an editor may have written to again, so nothing was done."))
        return redirect("newsletter_admin:suppressed")
    asked = request.POST.get("count", "")
    form = WhyForm(request.POST if asked else None)
    if asked == str(count) and form.is_valid():
        with atomic():
            job = bulk.begin(
                str(BulkJob.Verb.LIFT), filters=shown, ids=ids, by=request.user.pk, why=form.cleaned_data["why"]
            )
            enqueue_on_commit(tasks.bulk_step, job.pk, using=alias())
        return redirect("newsletter_admin:job", pk=job.pk)
    context = {
        "header_title": _("Write to these addresses again"),
        "header_icon": "warning",
        "breadcrumbs_items": crumbs(suppressed.list_crumb(), ("", _("Write to these addresses again"))),
        "form": form,
        "count": count,
        "stay": chosen.count() - count,
        "nobody_there": suppression.nobody_there(rows).count(),
        "changed": bool(asked) and asked != str(count),
        "scope": request.POST.get("scope", ""),
        "filters": shown.query() if shown else "",
        "ids": ids,
    }
    return TemplateResponse(request, "newsletter/admin/lift_many.html", context, status=422 if asked else 200)


@permission_required("newsletter.view_subscriber")
def job(request: HttpRequest, pk: int) -> HttpResponse:
    """The page of one action; it can be left and found again."""
    found = get_object_or_404(BulkJob, pk=pk)
    context = {
        "header_title": found.get_verb_display(),
        "header_icon": "group",
        "breadcrumbs_items": crumbs(list_crumb(), ("", found.get_verb_display())),
        "job": found,
    }
    return TemplateResponse(request, "newsletter/admin/job.html", context)


@never_cache
@permission_required("newsletter.view_subscriber")
def job_status(request: HttpRequest, pk: int) -> HttpResponse:
    """The live part, asked for by live.js."""
    return render(request, "newsletter/admin/job_status.html", {"job": get_object_or_404(BulkJob, pk=pk)})
