"""The suppression list: whom nobody may write to, why, and having somebody written to again."""

from __future__ import annotations

import os
from collections.abc import Iterator

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from wagtail.admin.auth import permission_required

from webstreet.atoms.newsletter import events, events_policy, suppression
from webstreet.atoms.newsletter.admin.subscribers import crumbs
from webstreet.atoms.newsletter.admin.tables import download
from webstreet.atoms.newsletter.models.event import EventSource
from webstreet.atoms.newsletter.models.subscriber import Subscriber
from webstreet.atoms.newsletter.models.suppression import Suppression
from webstreet.atoms.newsletter.suppression import Listed
from webstreet.contract.environment import BOUNCE_MAILBOX_URL, EVENTS_PROVIDER, EVENTS_SECRET, read
from webstreet.engine.rows import by_key
from webstreet.kernel.errors import BadInput
from webstreet.mail.address import normal_address

PER_PAGE = 50
WHY_MAX = 300
MANY_MAX = 1000
Reason = Suppression.Reason


class WhyForm(forms.Form):
    """Why an editor has somebody written to again."""

    why = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=WHY_MAX,
        help_text=gettext_lazy("For those who look later, for example: they wrote to us that the mailbox works again."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )


class BarForm(forms.Form):
    """Addresses that nobody may write to any more."""

    addresses = forms.CharField(
        label=gettext_lazy("E-mail addresses"),
        help_text=gettext_lazy("One on each line, at most 1,000."),
        max_length=MANY_MAX * 255,
        widget=forms.Textarea(attrs={"rows": 5, "autocomplete": "off", "spellcheck": "false", "autofocus": True}),
    )
    why = forms.CharField(label=gettext_lazy("Why"), max_length=WHY_MAX)

    def clean_addresses(self) -> list[str]:
        """Normalised, each once."""
        found: dict[str, None] = {}
        for number, line in enumerate(self.cleaned_data["addresses"].split("\n"), start=1):
            if not line.strip():
                continue
            try:
                found[normal_address(line.strip())] = None
            except BadInput:
                raise ValidationError(
                    _("Line %(n)s is not an address that mail can be sent to. Nothing was changed."),
                    params={"n": number},
                ) from None
        if len(found) > MANY_MAX:
            raise ValidationError(_("These are more than 1,000 addresses. Import them as a list instead."))
        return list(found)


def list_crumb() -> tuple[str, str]:
    return reverse("newsletter_admin:suppressed"), _("Suppression list")


def _reasons() -> list[tuple[str, str]]:
    """Of those who are here: who was erased is a number only."""
    found = [(str(value), str(label)) for value, label in Reason.choices if value != Reason.ERASED]
    return [*found, (suppression.UNKNOWN, _("Suppressed elsewhere"))]


@permission_required("newsletter.view_subscriber")
def index(request: HttpRequest) -> HttpResponse:
    shown = Listed.read(request.GET)
    rows = suppression.listed().order_by()
    totals = {
        name or suppression.UNKNOWN: n for name, n in rows.values_list("suppressions__reason").annotate(n=Count("id"))
    }
    page = Paginator(suppression.listed(shown), PER_PAGE).get_page(request.GET.get("page"))
    labels = dict(_reasons())
    for row in page.object_list:
        row.known = suppression.of(row)
        row.why_word = labels.get(row.known.reason if row.known else suppression.UNKNOWN, "")
        row.may_lift = events_policy.editor_may_lift(row.known.reason if row.known else "")
    context = {
        "header_title": _("Suppression list"),
        "header_icon": "warning",
        "breadcrumbs_items": crumbs(("", _("Suppression list"))),
        "page": page,
        "reason": shown.reason,
        "q": shown.q,
        "filters_by_reason": [
            (value, label, totals.get(value, 0), shown.query(reason=value)) for value, label in _reasons()
        ],
        "total": sum(totals.values()),
        "erased": suppression.erased(),
        "found_erased": _is_erased(shown.q),
        "keep": shown.query(),
        "may_choose": request.user.has_perm("newsletter.change_subscriber")
        and any(row.may_lift for row in page.object_list),
        "sources": _sources(),
    }
    return TemplateResponse(request, "newsletter/admin/suppressed.html", context)


def _is_erased(q: str) -> bool:
    """Whether what was searched for is an address of which only the hash is left."""
    try:
        email = normal_address(q) if q else ""
    except BadInput:
        return False
    return bool(email) and Suppression.holds(email) and not Subscriber.objects.filter(email=email).exists()


def _sources() -> list[tuple[str, bool, EventSource | None]]:
    """How this site hears of bounces: what it is called, whether it is set up, and how it fares."""
    known = {row.name: row for row in EventSource.objects.all()}
    provider = read(os.environ, EVENTS_PROVIDER)
    found = [
        (_("Mailbox of bounces"), bool(read(os.environ, BOUNCE_MAILBOX_URL)), known.get(events.MAILBOX)),
        (_("Webhook"), bool(read(os.environ, EVENTS_SECRET)) and not provider, known.get(events.WEBHOOK)),
    ]
    if provider:
        found.append((provider.capitalize(), True, known.get(provider)))
    return found


@permission_required("newsletter.view_subscriber")
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The list as it is filtered, in columns that the import of subscribers reads."""
    return download(_lines(Listed.read(request.GET)), "suppression-list")


def _lines(shown: Listed) -> Iterator[list[str]]:
    yield ["email", "status", "reason", "since", "code", "note"]
    for row in by_key(suppression.listed(shown).order_by("-pk"), "-pk"):
        known = suppression.of(row)
        code = known.event.code if known and known.event else ""
        since = row.status_since.isoformat(timespec="seconds")
        yield [
            row.email,
            row.status,
            known.reason or "" if known else "",
            since,
            code,
            known.why or "" if known else "",
        ]


@permission_required("newsletter.change_subscriber")
def bar(request: HttpRequest) -> HttpResponse:
    """Put addresses on the list."""
    form = BarForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        why, by = form.cleaned_data["why"], request.user.pk
        count = sum(suppression.bar(email, why=why, by=by) for email in form.cleaned_data["addresses"])
        said = ngettext("%(n)d address was put on the list.", "%(n)d addresses were put on the list.", count)
        messages.success(request, said % {"n": count})
        return redirect("newsletter_admin:suppressed")
    return _form_page(request, form, _("Bar addresses"), _("Put on the list"))


@permission_required("newsletter.change_subscriber")
def lift(request: HttpRequest, pk: int) -> HttpResponse:
    """Have somebody written to again."""
    subscriber = get_object_or_404(Subscriber, pk=pk)
    form = WhyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            suppression.lift(subscriber, why=form.cleaned_data["why"], by=request.user.pk)
        except suppression.NotLiftable as error:
            text = _("This address stays on the list: whoever reported mails as spam comes back only by signing up.")
            messages.error(request, f"{text} ({error.error_code})")
        else:
            subscriber.refresh_from_db()
            messages.success(request, _lifted(subscriber))
        return redirect("newsletter_admin:subscriber", pk=pk)
    return _form_page(request, form, _("Write to this address again"), _("Take off the suppression list"), subscriber)


def _lifted(subscriber: Subscriber) -> str:
    if subscriber.is_active:
        return _("Subscriber %(id)s receives the next issue again.") % {"id": subscriber.pk}
    return _(
        "Subscriber %(id)s is off the list, and receives nothing: they had not confirmed, or were unsubscribed. They can sign up."
    ) % {"id": subscriber.pk}


def _form_page(
    request: HttpRequest, form: forms.Form, title: str, verb: str, subscriber: Subscriber | None = None
) -> HttpResponse:
    known = Suppression.objects.filter(subscriber=subscriber).select_related("event").first() if subscriber else None
    context = {
        "header_title": title,
        "header_icon": "warning",
        "breadcrumbs_items": crumbs(list_crumb(), ("", title)),
        "form": form,
        "verb": verb,
        "subscriber": subscriber,
        "known": known,
    }
    return TemplateResponse(request, "newsletter/admin/suppress.html", context, status=422 if form.errors else 200)
