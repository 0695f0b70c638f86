"""The list of sites, with what needs attention first, and the form that opens one."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display
from unfold.views import ChangeList

from webstreet.control.clients.models import Client
from webstreet.control.console import imports, one_site, parameters
from webstreet.control.console.forms import form_page
from webstreet.control.console.pages import Pages, who
from webstreet.control.console.site import console
from webstreet.control.console.site_form import NewSite
from webstreet.control.console.templatetags.console import ago, state_badge
from webstreet.control.console.words import DIFFERS, STATES, apart
from webstreet.control.sites import actions
from webstreet.control.sites.models import Site


class StateFilter(admin.SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(STATES.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Site]) -> QuerySet[Site]:
        if self.value() == "closed":
            return queryset.filter(closed_at__isnull=False)
        queryset = queryset.filter(closed_at=None)
        return queryset.filter(shown_state=self.value()) if self.value() else queryset


class ClientFilter(admin.RelatedOnlyFieldListFilter):
    """Only clients that have a site."""


class AttentionFirst(ChangeList):
    """Sorted by an annotation, which the admin does not take from the class's ``ordering``."""

    order = ("attention", "client__name", "name")

    def _get_default_ordering(self) -> tuple[str, ...]:
        return ("attention",)


class SitePages(Pages):
    list_display = ("shown_name", "shown_word", "shown_address", "shown_client", "shown_differs", "shown_since")
    list_filter = (StateFilter, ("client", ClientFilter), "wanted_template")
    search_fields = ("name", "client__name", "wanted_title", "domains__name")
    search_help_text = gettext_lazy("Name, title, client or domain")
    columns = {
        "client": lambda site: site.client.name,
        "site": lambda site: site.name,
        "title": lambda site: site.wanted_title,
        "state": lambda site: site.shown_state,
        "since": lambda site: site.seen_since,
        "address": lambda site: "" if site.closed_at else site.address,
        "domains": lambda site: " ".join(site.domain_names),
        "template": lambda site: site.wanted_template,
        "languages": lambda site: " ".join(site.wanted_languages),
        "release": lambda site: site.seen_release,
        "wanted generation": lambda site: site.wanted_generation,
        "seen generation": lambda site: site.seen_generation,
        "opened": lambda site: site.created_at,
        "closed": lambda site: site.closed_at,
    }

    def has_add_permission(self, request: HttpRequest) -> bool:
        return True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Site]:
        return Site.objects.with_state().select_related("client", "cluster").prefetch_related("domains")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return AttentionFirst.order

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return AttentionFirst

    def get_urls(self) -> list[URLPattern]:
        views = {
            "live": ("live/", one_site.live),
            "suspend": ("suspend/", one_site.suspend),
            "resume": ("resume/", one_site.resume),
            "close": ("close/", one_site.close),
            "link": ("link/", one_site.link),
            "archive": ("archive/", one_site.archive),
            "parameters": ("parameters/", parameters.overview),
            "parameter": ("parameters/<slug:atom>/<slug:name>/", parameters.change),
            "undo": ("undo/<int:number>/", parameters.undo),
            "import_cancel": ("imports/<uuid:number>/cancel/", imports.cancel),
        }
        mine = [
            path(f"<int:pk>/{address}", console.admin_view(view), name=f"sites_site_{name}")
            for name, (address, view) in views.items()
        ]
        return [*mine, *super().get_urls()]

    @display(description=gettext_lazy("Site"), ordering="name")
    def shown_name(self, site: Site) -> str:
        return f"{site} · {apart(site.shown_title)}" if site.shown_title else str(site)

    @display(description=gettext_lazy("State"), ordering="attention")
    def shown_word(self, site: Any) -> str:
        return state_badge(site.shown_state)

    @display(description=gettext_lazy("Address"))
    def shown_address(self, site: Site) -> str:
        if not site.address or site.closed_at:
            return "–"
        return format_html('<a class="ws-link" href="{0}" rel="noreferrer" target="_blank">{0}</a>', site.address)

    @display(description=gettext_lazy("Client"), ordering="client__name")
    def shown_client(self, site: Site) -> str:
        return apart(site.client.title)

    @display(description=gettext_lazy("Differs"))
    def shown_differs(self, site: Site) -> str:
        return ", ".join(str(DIFFERS[row.what]) for row in site.differs) if site.differs and not site.closed_at else "–"

    @display(description=gettext_lazy("Since"), ordering="seen_since")
    def shown_since(self, site: Site) -> str:
        return ago(site.seen_since)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not Client.objects.exists():
            messages.info(request, _("A site belongs to a client: add the client first."))
            return redirect("console:clients_client_add")
        given = {name: request.GET[name] for name in ("client", "template") if name in request.GET}

        def opened(_data: dict[str, Any]) -> HttpResponse:
            site = actions.open_site(form.opening(), by=who(request))
            return redirect("console:sites_site_change", site.pk)

        form = NewSite(request.POST or None, initial=given)
        return form_page(
            request,
            form,
            opened,
            title=_("Open a site"),
            lead=_("It runs about a minute after it was opened."),
            button=_("Open site"),
            back=reverse("console:sites_site_changelist"),
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        return one_site.detail(request, int(object_id) if object_id.isdecimal() else 0)
