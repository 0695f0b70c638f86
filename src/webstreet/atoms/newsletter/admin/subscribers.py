"""Subscribers: list, search, add, edit, unsubscribe, remove, export."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import suppress

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from wagtail.admin.auth import permission_required

from webstreet.atoms.newsletter import actions, tasks
from webstreet.atoms.newsletter.admin.forms import SubscriberForm
from webstreet.atoms.newsletter.models.base import alias, atomic
from webstreet.atoms.newsletter.models.change import Change
from webstreet.atoms.newsletter.models.notice import Notice
from webstreet.atoms.newsletter.models.subscriber import ConsentRecord, Subscriber
from webstreet.engine.tasks import enqueue_on_commit
from webstreet.mail.address import normal_address
from webstreet.mail.errors import AddressInvalid

PER_PAGE = 50
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def crumbs(*more: tuple[str, str]) -> list[dict[str, str]]:
    first = [("", _("Newsletter"))]
    return [{"url": url, "label": label} for url, label in (*first, *more)]


def _list_crumb() -> tuple[str, str]:
    return reverse("newsletter_admin:subscribers"), _("Subscribers")


def _filtered(request: HttpRequest) -> tuple[QuerySet[Subscriber], str, str]:
    query, status = request.GET.get("q", "").strip()[:254], request.GET.get("status", "")
    rows = Subscriber.objects.order_by("-id")
    if status in Subscriber.Status.values:
        rows = rows.filter(status=status)
    if query:
        wanted = Q(email__icontains=query.lower()) | Q(name__icontains=query)
        with suppress(AddressInvalid):
            wanted |= Q(email=normal_address(query))
        rows = rows.filter(wanted)
    return rows, query, status


@permission_required("newsletter.view_subscriber")
def index(request: HttpRequest) -> HttpResponse:
    rows, query, status = _filtered(request)
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    totals = dict(Subscriber.objects.values_list("status").annotate(n=Count("id")))
    filters = [("", _("All"), sum(totals.values()))]
    filters += [(value, str(label), totals.get(value, 0)) for value, label in Subscriber.Status.choices]
    context = {
        "header_title": _("Subscribers"),
        "header_icon": "group",
        "breadcrumbs_items": crumbs(("", _("Subscribers"))),
        "page": page,
        "query": query,
        "status": status,
        "filters_by_status": filters,
        "is_empty": not totals,
    }
    return TemplateResponse(request, "newsletter/admin/subscribers.html", context)


@permission_required("newsletter.view_subscriber")
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The list as it is filtered, as CSV; streamed, never a file on this side."""
    rows, _query, _status = _filtered(request)
    response = StreamingHttpResponse(_csv(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="subscribers-{timezone.now():%Y-%m-%d}.csv"'
    response["Cache-Control"] = "no-store"
    return response


class _Echo:
    def write(self, value: str) -> str:
        return value


def _csv(rows: QuerySet[Subscriber]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(["email", "name", "status", "since", "language", "source", "external_id"])
    for row in rows.iterator(chunk_size=2000):
        values = [
            row.email,
            row.name,
            row.status,
            row.status_since.isoformat(timespec="seconds"),
            row.language,
            row.source,
        ]
        yield writer.writerow([_no_formula(value) for value in [*values, row.external_id or ""]])


def _no_formula(value: str) -> str:
    """A spreadsheet would run what begins like a formula."""
    return f"'{value}" if value.startswith(_FORMULA) else value


@permission_required("newsletter.add_subscriber")
def add(request: HttpRequest) -> HttpResponse:
    form = SubscriberForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        subscriber, notice = _create(form, by=request.user.pk)
        if notice is not None:
            enqueue_on_commit(tasks.send_notice, notice.pk, using=alias())
            messages.success(
                request, _("Subscriber %(id)s was added; a confirmation mail is on its way.") % {"id": subscriber.pk}
            )
        else:
            messages.success(request, _("Subscriber %(id)s was added.") % {"id": subscriber.pk})
        return redirect("newsletter_admin:subscribers")
    return _form_page(request, form, _("Add subscriber"), None)


def _create(form: SubscriberForm, *, by: int | None) -> tuple[Subscriber, Notice | None]:
    data = form.cleaned_data
    agreed = data["agreed"]
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
        "breadcrumbs_items": crumbs(_list_crumb(), ("", title)),
        "form": form,
        "subscriber": subscriber,
    }
    if subscriber is not None:
        context["consents"] = subscriber.consents.order_by("-id")[:50]
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
        with atomic():
            Change.note(Change.Verb.REMOVED, subscriber, by=request.user.pk)
            subscriber.delete()
        messages.success(request, _("Subscriber %(id)s was removed.") % {"id": pk})
        return redirect("newsletter_admin:subscribers")
    title = _("Remove subscriber %(id)s") % {"id": pk}
    edit_crumb = (reverse("newsletter_admin:subscriber", args=[pk]), _("Subscriber %(id)s") % {"id": pk})
    context = {
        "header_title": title,
        "header_icon": "bin",
        "breadcrumbs_items": crumbs(_list_crumb(), edit_crumb, ("", title)),
        "subscriber": subscriber,
        "received": subscriber.deliveries.filter(state="sent").count(),
    }
    return TemplateResponse(request, "newsletter/admin/remove.html", context)
