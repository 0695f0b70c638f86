"""Pages of sites: the list with what needs attention first, one site, and what can be done to it."""

from __future__ import annotations

import itertools
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import display
from unfold.views import ChangeList

from webstreet.control.catalogue import shelf
from webstreet.control.catalogue.settings import EXCHANGED
from webstreet.control.clients.access import Actor
from webstreet.control.clients.models import Client
from webstreet.control.console import parameters
from webstreet.control.console.errors import said
from webstreet.control.console.forms import form_page
from webstreet.control.console.pages import Pages, who
from webstreet.control.console.site import console
from webstreet.control.console.site_form import NewSite
from webstreet.control.console.templatetags.console import ago, change_words, state_badge
from webstreet.control.console.words import DIFFERS, LOOKS, SENTENCES, STATES
from webstreet.control.journal.models import Event
from webstreet.control.orchestrators.base import SiteUnknown
from webstreet.control.places.orchestrators import orchestrator_for
from webstreet.control.sites import actions, customizing, dictionary
from webstreet.control.sites.customizations import Customization
from webstreet.control.sites.editors import editor_link
from webstreet.control.sites.exporting import Archive
from webstreet.control.sites.models import Site
from webstreet.control.sites.state import UNDER_WAY, Shown, wanted_state_of
from webstreet.kernel.errors import WebstreetError

LOG_LINES = 40
LIVE_BUSY, LIVE_CALM = "every 2s", "every 10s"


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
        verbs = {
            "live": self.live,
            "suspend": self.suspend,
            "resume": self.resume,
            "close": self.close,
            "link": self.link,
            "parameters": self.parameters,
            "archive": self.archive,
        }
        mine = [
            path(f"<int:pk>/{verb}/", console.admin_view(view), name=f"sites_site_{verb}")
            for verb, view in verbs.items()
        ]
        change = path(
            "<int:pk>/parameters/<slug:atom>/<slug:name>/",
            console.admin_view(self.parameter),
            name="sites_site_parameter",
        )
        undo = path("<int:pk>/undo/<int:number>/", console.admin_view(self.undo), name="sites_site_undo")
        return [*mine, change, undo, *super().get_urls()]

    @display(description=gettext_lazy("Site"), ordering="name")
    def shown_name(self, site: Site) -> str:
        return f"{site} · {site.shown_title}" if site.shown_title else str(site)

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
        return site.client.title

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
        site = self._site(int(object_id) if object_id.isdecimal() else 0)
        log, log_note = _log(site)
        return console.page(
            request,
            "console/site.html",
            title=f"{site.shown_title} ({site})" if site.shown_title else _("Site %(site)s") % {"site": site},
            log=log,
            log_note=log_note,
            imports=site.imports.all()[:5],
            events=Event.objects.filter(object=str(site))[:15],
            residencies=[row for row in site.residencies.all() if row.where == "client"],
            secret_names=sorted(site.secrets.values_list("name", flat=True)),
            manifest=site.manifest().to_yaml(),
            customizations=dictionary.in_force(_customized(site), True),
            **_live(site),
        )

    def live(self, request: HttpRequest, pk: int) -> HttpResponse:
        site = self._site(pk)
        body = _live(site)
        page = render(request, "console/site_live.html", body)
        wrapped = format_html(
            '<div id="site-live" data-live hx-get="{}" hx-trigger="{}" hx-swap="outerHTML">',
            request.path,
            body["trigger"],
        )
        return HttpResponse(wrapped.encode() + page.content + b"</div>")

    def suspend(self, request: HttpRequest, pk: int) -> HttpResponse:
        site = self._site(pk)
        error = ""
        if request.method == "POST":
            error = self._try(lambda: actions.suspend_site(site, by=who(request)))
            if not error:
                return redirect("console:sites_site_change", pk)
        return console.page(
            request,
            "console/confirm.html",
            title=_("Suspend %(site)s") % {"site": site},
            lead=_("Readers and editors get a page that says the site is suspended (503), until it is resumed."),
            consequences=[*_numbers(site), _("Its data is kept. Nothing is sent, also no issue that is under way.")],
            error=error,
            button=_("Suspend site"),
            button_class="ws-button-main",
            back=reverse("console:sites_site_change", args=[pk]),
        )

    def resume(self, request: HttpRequest, pk: int) -> HttpResponse:
        if request.method == "POST":
            error = self._try(lambda: actions.resume_site(self._site(pk), by=who(request)))
            if error:
                messages.error(request, error)
        return redirect("console:sites_site_change", pk)

    def close(self, request: HttpRequest, pk: int) -> HttpResponse:
        site = self._site(pk)
        error = ""
        if request.method == "POST":
            confirm = request.POST.get("confirm", "").strip()
            error = self._try(lambda: actions.close_site(site, confirm=confirm, by=who(request)))
            if not error:
                return redirect("console:sites_site_change", pk)
            if confirm != str(site):
                error = _("That is not its name.")
        return console.page(
            request,
            "console/confirm.html",
            title=_("Close %(site)s") % {"site": site},
            site=str(site),
            lead=_("Stops the site, makes a final backup, then removes it."),
            consequences=[
                *_numbers(site),
                _("Its domains and its name are free again. Its secrets are forgotten."),
                _("The final backup is kept on the hoster's disk. Data that lives at the client is not touched."),
            ],
            ask_name=True,
            error=error,
            button=_("Close site"),
            button_class="ws-button-bad",
            back=reverse("console:sites_site_change", args=[pk]),
        )

    def parameters(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What each parameter is now, where that comes from, and what was decided before."""
        site = self._site(pk)
        held = {(row.atom, row.name): row for row in dictionary.in_force(_customized(site), True) if row.name}
        return console.page(
            request,
            "console/parameters.html",
            title=_("Parameters of %(site)s") % {"site": site},
            site=site,
            groups=parameters.rows(site, held),
            customizations=_customized(site),
        )

    def parameter(self, request: HttpRequest, pk: int, atom: str, name: str) -> HttpResponse:
        site, found = self._site(pk), shelf.spoken_release().by_name.get(atom)
        schema = found.parameters.get("properties", {}).get(name) if found and atom in site.wanted_atoms else None
        if found is None or schema is None:
            raise Http404
        back = reverse("console:sites_site_parameters", args=[pk])

        def change(data: dict[str, Any]) -> HttpResponse:
            customizing.customize(site, {atom: {name: data["value"]}}, why=data["why"], by=who(request))
            return redirect(back)

        now = site.wanted_atoms[atom].get(name, schema.get("default"))
        return form_page(
            request,
            parameters.ParameterForm(found, name, now, request.POST or None),
            change,
            title=_("Change %(name)s of %(site)s") % {"name": f"{atom}.{name}", "site": site},
            lead=_(EXCHANGED),
            button=_("Change parameter"),
            back=back,
        )

    def undo(self, request: HttpRequest, pk: int, number: int) -> HttpResponse:
        site = self._site(pk)
        row = get_object_or_404(_customized(site), number=number, kind=Customization.Kind.PARAMETER)
        back = reverse("console:sites_site_parameters", args=[pk])

        def put_back(data: dict[str, Any]) -> HttpResponse:
            customizing.undo(site, number, why=data["why"], by=who(request))
            return redirect(back)

        return form_page(
            request,
            parameters.WhyForm(request.POST or None),
            put_back,
            title=_("Undo customization %(n)s of %(site)s") % {"n": number, "site": site},
            lead=f"{row.subject}: {change_words(row)}",
            button=_("Undo customization"),
            back=back,
        )

    def link(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Into the site's own admin: its engine makes a one-time link, which the answer carries.

        No redirect: the site is another origin, and our policy (``form-action 'self'``) forbids a form to end there.
        """
        if request.method == "POST":
            try:
                site = self._site(pk)
                url, _until = editor_link(site, email="", next="", by=who(request))
                context = console.each_context(request) | {"url": url, "site": site, "title": ""}
                return render(request, "console/site_admin.html", context)
            except WebstreetError as error:
                messages.error(request, said(error))
        return redirect("console:sites_site_change", pk)

    def archive(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Everything the site holds, streamed as the API does."""
        if request.method == "POST":
            site = self._site(pk)
            actor = Actor.of_member(request.user.member)  # type: ignore[union-attr]
            try:
                archive = Archive(actions.find_site(actor, site.client.name, site.name), actor)
                return StreamingHttpResponse(archive, content_type=archive.media_type, headers=archive.headers)
            except WebstreetError as error:
                messages.error(request, said(error))
        return redirect("console:sites_site_change", pk)

    def _site(self, pk: int) -> Any:
        rows = (
            Site.objects.with_state()
            .select_related("client", "cluster")
            .prefetch_related("domains", "residencies", "secrets")
        )
        return get_object_or_404(rows, pk=pk)

    def _try(self, action: Any) -> str:
        try:
            action()
        except WebstreetError as error:
            return said(error)
        return ""


def _customized(site: Any) -> Any:
    return Customization.objects.with_force().filter(site=site).select_related("site__client").order_by("-number")


def _live(site: Any) -> dict[str, Any]:
    return {
        "site": site,
        "sentence": SENTENCES[site.shown_state],
        # What a running site has a note about is something that it lacks.
        "tone": "ws-warn" if site.shown_state == Shown.RUNNING else f"ws-{LOOKS[site.shown_state].tone}",
        "wanted_state": wanted_state_of(site),
        "seen_state": site.seen_state,
        "release": shelf.release().version,
        "differences": [{"word": DIFFERS[row.what], "wanted": row.wanted, "seen": row.seen} for row in site.differs],
        "trigger": LIVE_BUSY if site.shown_state in UNDER_WAY else LIVE_CALM,
    }


def _log(site: Site) -> tuple[str, str]:
    """The last lines, or why there are none."""
    if site.closed_at:
        return "", _("The site is closed.")
    try:
        lines = orchestrator_for(site.cluster).logs(site.site_id, lines=LOG_LINES)
        text = "\n".join(itertools.islice(lines, LOG_LINES))
    except SiteUnknown:
        return "", _("No log yet.")  # opened a moment ago: its processes are still to be made
    except WebstreetError as error:
        return "", said(error)
    return text, _("No log yet.")


def _numbers(site: Site) -> list[str]:
    domains = len(site.domain_names)
    waiting = site.imports.filter(finished_at=None).count()
    lines = []
    if domains:
        lines.append(
            ngettext("%(n)s domain stops answering.", "%(n)s domains stop answering.", domains) % {"n": domains}
        )
    if waiting:
        lines.append(ngettext("%(n)s import is cut off.", "%(n)s imports are cut off.", waiting) % {"n": waiting})
    return lines
