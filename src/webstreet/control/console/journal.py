"""The journal's page."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from webstreet.control.console.pages import Pages
from webstreet.control.console.templatetags.console import ago, event_words
from webstreet.control.journal.models import Event


class Events(Paginator):
    """Counts what the journal has many of: events."""

    template_name = "console/events_pagination.html"


class EventPages(Pages):
    paginator = Events
    list_display = ("shown_at", "shown_what", "object", "who", "shown_detail")
    list_display_links = None
    list_filter = ("what",)
    search_fields = ("object", "who", "what")
    search_help_text = _("Object, person or event")

    columns = {
        "at": lambda event: event.at,
        "who": lambda event: event.who,
        "what": lambda event: event.what,
        "client": lambda event: event.client,
        "object": lambda event: event.object,
        "detail": lambda event: event.detail,
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        return Event.objects.all()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        return redirect(reverse("console:journal_event_changelist"))

    @display(description=_("When"), ordering="id")
    def shown_at(self, event: Event) -> str:
        return ago(event.at)

    @display(description=_("What"), ordering="what")
    def shown_what(self, event: Event) -> str:
        return event_words(event.what)

    @display(description=_("Detail"))
    def shown_detail(self, event: Event) -> str:
        return (
            ", ".join(
                f"{name}: {_plain(value)}" for name, value in event.detail.items() if value not in ("", [], {}, None)
            )
            or "–"
        )


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{name} {inner}" for name, inner in value.items())
    return str(value)
