"""Subscribers: list, search, add, edit, unsubscribe, remove, export."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from wagtail.admin.auth import permission_required

from webstreet.atoms.newsletter import actions, events_policy, guard, personal_data, tasks
from webstreet.atoms.newsletter.admin.forms import SubscriberForm
from webstreet.atoms.newsletter.admin.tables import download
from webstreet.atoms.newsletter.bulk import Filters
from webstreet.atoms.newsletter.models.base import alias, atomic
from webstreet.atoms.newsletter.models.bulk import BulkJob
from webstreet.atoms.newsletter.models.change import Change
from webstreet.atoms.newsletter.models.lists import MailingList
from webstreet.atoms.newsletter.models.notice import Notice
from webstreet.atoms.newsletter.models.subscriber import ConsentRecord, Subscriber
from webstreet.atoms.newsletter.models.suppression import Suppression
from webstreet.engine import site
from webstreet.engine.rows import by_key
from webstreet.engine.tasks import enqueue_on_commit
from webstreet.kernel.errors import TooMany

PER_PAGE = 50
SORTS = {
    "": ("-id",),
    "email": ("email",),
    "-email": ("-email",),
    "since": ("status_since", "id"),
    "-since": ("-status_since", "-id"),
    "added": ("created_at", "id"),
    "-added": ("-created_at", "-id"),
}
"""Each by an index."""


def crumbs(*more: tuple[str, str]) -> list[dict[str, str]]:
    first = [("", _("Newsletter"))]
    return [{"url": url, "label": label} for url, label in (*first, *more)]


def list_crumb() -> tuple[str, str]:
    return reverse("newsletter_admin:subscribers"), _("Subscribers")


@permission_required("newsletter.view_subscriber")
def index(request: HttpRequest) -> HttpResponse:
    """The list. However many there are: one query for the totals, one for the page, one for the count when the totals do not have it."""
    filters = Filters.read(request.GET)
    sort = request.GET.get("sort", "") if request.GET.get("sort", "") in SORTS else ""
    totals = dict(Subscriber.objects.values_list("status").annotate(n=Count("id")).order_by("status"))
    rows = filters.apply(Subscriber.objects.order_by(*SORTS[sort]))
    known = (totals.get(filters.status, 0) if filters.status else sum(totals.values())) if filters.only_status else None
    page = CountedPaginator(rows, PER_PAGE, known=known).get_page(request.GET.get("page"))
    by_status = [("", _("All"), sum(totals.values()), filters.query(status="", sort=sort))]
    by_status += [
        (value, str(label), totals.get(value, 0), filters.query(status=value, sort=sort))
        for value, label in Subscriber.Status.choices
    ]
    lists = list(MailingList.objects.order_by("id"))
    context = {
        "header_title": _("Subscribers"),
        "header_icon": "group",
        "breadcrumbs_items": crumbs(("", _("Subscribers"))),
        "page": page,
        "filters": filters,
        "narrowed": bool(set(filters.as_dict()) - {"status", "q"}),
        "query": filters.query(),
        "keep": filters.query(sort=sort),
        "sort": sort,
        "columns": _columns(filters, sort),
        "filters_by_status": by_status,
        "lists": lists,
        "sources": list(Subscriber.objects.order_by("source").values_list("source", flat=True).distinct()[:100]),
        "languages": site.current().languages,
        "verbs": _verbs(request, lists),
        "is_empty": not totals,
    }
    return TemplateResponse(request, "newsletter/admin/subscribers.html", context)


class CountedPaginator(Paginator):  # type: ignore[type-arg]
    """Does not count what was counted already."""

    def __init__(self, *args: Any, known: int | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if known is not None:
            self.count = known


def _columns(filters: Filters, sort: str) -> list[tuple[str, str, str, str]]:
    """Name, query that sorts by it (the other way round when it is sorted by it), ``aria-sort``, CSS class."""
    found = []
    for label, key, css in (
        (_("Address"), "email", ""),
        (_("State"), "", ""),
        (_("Name"), "", "nl-optional"),
        (_("Source"), "", "nl-optional"),
        (_("Since"), "since", ""),
        (_("Added"), "added", "nl-wide"),
    ):
        way = {key: "ascending", f"-{key}": "descending"}.get(sort, "none") if key else ""
        query = filters.query(sort=f"-{key}" if sort == key else key) if key else ""
        found.append((label, query, way, css))
    return found


def _verbs(request: HttpRequest, lists: list[MailingList]) -> list[tuple[str, str]]:
    """What this editor may do with many: ``verb`` or ``verb:list``, and its words."""
    found: list[tuple[str, str]] = []
    if request.user.has_perm("newsletter.change_subscriber"):
        found.append((str(BulkJob.Verb.UNSUBSCRIBE), _("Unsubscribe")))
        if len(lists) > 1:
            for entry in lists:
                found.append(
                    (f"{BulkJob.Verb.JOIN}:{entry.key}", _("Put on the list %(list)s") % {"list": entry.title})
                )
            for entry in lists:
                found.append(
                    (f"{BulkJob.Verb.LEAVE}:{entry.key}", _("Take off the list %(list)s") % {"list": entry.title})
                )
    if request.user.has_perm("newsletter.delete_subscriber"):
        found.append((str(BulkJob.Verb.REMOVE), _("Remove")))
    return found


@permission_required("newsletter.view_subscriber")
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The list as it is filtered, as CSV."""
    rows = Filters.read(request.GET).apply(Subscriber.objects.order_by("-id"))
    return download(_lines(rows.prefetch_related("memberships__mailing_list")), "subscribers")


def _lines(rows: QuerySet[Subscriber]) -> Iterator[list[str]]:
    yield ["email", "name", "status", "since", "language", "source", "external_id", "added", "lists"]
    for row in by_key(rows, "-pk"):
        since, added = (moment.isoformat(timespec="seconds") for moment in (row.status_since, row.created_at))
        lists = " ".join(membership.mailing_list.key for membership in row.memberships.all())
        yield [row.email, row.name, row.status, since, row.language, row.source, row.external_id or "", added, lists]


@permission_required("newsletter.add_subscriber")
def add(request: HttpRequest) -> HttpResponse:
    form = SubscriberForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            subscriber, notice = _create(form, by=request.user.pk)
        except TooMany as error:
            text = _(
                "You had many people asked during the last hour, or this one often today. Nobody was added; try later."
            )
            form.add_error("email", f"{text} ({error.error_code})")
            return _form_page(request, form, _("Add subscriber"), None)
        if notice is not None:
            enqueue_on_commit(tasks.send_notice, notice.pk, using=alias())
            messages.success(
                request, _("Subscriber %(id)s was added; a confirmation mail is on its way.") % {"id": subscriber.pk}
            )
        else:
            messages.success(request, _("Subscriber %(id)s was added.") % {"id": subscriber.pk})
        return redirect("newsletter_admin:subscribers")
    return _form_page(request, form, _("Add subscriber"), None)


def _create(form: SubscriberForm, *, by: int) -> tuple[Subscriber, Notice | None]:
    """Raises `TooManyAsked` before anything is written."""
    data = form.cleaned_data
    agreed = data["agreed"]
    if not agreed:
        guard.admit_asking(by, data["email"])
    with atomic():
        subscriber = Subscriber.objects.create(
            email=data["email"],
            name=data["name"],
            language=data["language"],
            source="editor",
            status=Subscriber.Status.ACTIVE if agreed else Subscriber.Status.PENDING,
            confirmation_asked_at=None if agreed else timezone.now(),
        )
        Change.note(Change.Verb.ADDED, subscriber, by=by)
        if agreed:
            actions.join(subscriber)
            subscriber.note_consent(ConsentRecord.Event.ADDED, source="editor")
            return subscriber, None
        return subscriber, Notice.objects.create(kind=Notice.Kind.CONFIRM, subscriber=subscriber)


@permission_required("newsletter.change_subscriber")
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    subscriber = get_object_or_404(Subscriber, pk=pk)
    form = SubscriberForm(request.POST or None, subscriber=subscriber)
    if request.method == "POST" and form.is_valid():
        with atomic():
            for field in ("email", "name", "language"):
                setattr(subscriber, field, form.cleaned_data[field])
            subscriber.save(update_fields=["email", "name", "language"])
            Change.note(Change.Verb.CHANGED, subscriber, by=request.user.pk)
        messages.success(request, _("Subscriber %(id)s was changed.") % {"id": subscriber.pk})
        return redirect("newsletter_admin:subscribers")
    return _form_page(request, form, _("Subscriber %(id)s") % {"id": pk}, subscriber)


def _form_page(request: HttpRequest, form: SubscriberForm, title: str, subscriber: Subscriber | None) -> HttpResponse:
    context: dict[str, object] = {
        "header_title": title,
        "header_icon": "group",
        "breadcrumbs_items": crumbs(list_crumb(), ("", title)),
        "form": form,
        "subscriber": subscriber,
    }
    if subscriber is not None:
        context["consents"] = subscriber.consents.order_by("-id")[:50]
        context["lists"] = [row.mailing_list for row in subscriber.memberships.select_related("mailing_list")]
        known = Suppression.objects.filter(subscriber=subscriber).first()
        context["suppression"] = known
        context["may_lift"] = events_policy.editor_may_lift(known.reason if known else "")
        events = subscriber.events.select_related("issue").defer("issue__html", "issue__text")
        context["events"] = events.order_by("-at", "-id")[:50]
        deliveries = subscriber.deliveries.select_related("issue").defer("issue__html", "issue__text")
        context["deliveries"] = deliveries.order_by("-id")[:50]
        context["changes"] = Change.objects.filter(noun="subscriber", noun_id=subscriber.pk).order_by("-id")[:50]
    return TemplateResponse(request, "newsletter/admin/subscriber.html", context, status=422 if form.errors else 200)


@permission_required("newsletter.change_subscriber")
@require_POST
def unsubscribe(request: HttpRequest, pk: int) -> HttpResponse:
    subscriber = get_object_or_404(Subscriber, pk=pk)
    actions.unsubscribe(subscriber, source="editor")
    Change.note(Change.Verb.UNSUBSCRIBED, subscriber, by=request.user.pk)
    messages.success(request, _("Subscriber %(id)s receives nothing any more.") % {"id": pk})
    return redirect("newsletter_admin:subscriber", pk=pk)


@permission_required("newsletter.delete_subscriber")
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Erase a person. What was sent stays counted, without the person."""
    subscriber = get_object_or_404(Subscriber, pk=pk)
    if request.method == "POST":
        personal_data.erase(subscriber, by=request.user.pk)
        messages.success(request, _("Subscriber %(id)s was removed.") % {"id": pk})
        return redirect("newsletter_admin:subscribers")
    title = _("Remove subscriber %(id)s") % {"id": pk}
    edit_crumb = (reverse("newsletter_admin:subscriber", args=[pk]), _("Subscriber %(id)s") % {"id": pk})
    context = {
        "header_title": title,
        "header_icon": "bin",
        "breadcrumbs_items": crumbs(list_crumb(), edit_crumb, ("", title)),
        "subscriber": subscriber,
        "received": subscriber.deliveries.filter(state="sent").count(),
    }
    return TemplateResponse(request, "newsletter/admin/remove.html", context)
