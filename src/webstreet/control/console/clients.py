"""Pages of clients and access keys."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import display

from webstreet.control.catalogue.shelf import OFFERS
from webstreet.control.clients import actions
from webstreet.control.clients.models import AccessKey, Client, Role
from webstreet.control.console.errors import said
from webstreet.control.console.forms import form_page
from webstreet.control.console.pages import Pages, who
from webstreet.control.console.site import console
from webstreet.control.console.templatetags.console import ago
from webstreet.control.console.words import apart
from webstreet.control.journal.models import Event
from webstreet.kernel.errors import WebstreetError


class NewClient(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=40,
        help_text=gettext_lazy("Lower-case letters, digits and hyphens. It never changes."),
    )
    title = forms.CharField(label=gettext_lazy("Title"), max_length=200, required=False)
    offer = forms.ChoiceField(label=gettext_lazy("Offer"), choices=[(o.name, o.title) for o in OFFERS.values()])


class ClientPages(Pages):
    list_display = ("shown_title", "name", "shown_offer", "shown_sites", "shown_since")
    list_filter = ("offer",)
    search_fields = ("name", "title")
    search_help_text = gettext_lazy("Name or title")
    columns = {
        "name": lambda client: client.name,
        "title": lambda client: client.title,
        "offer": lambda client: client.offer,
        "sites": lambda client: client.open_sites,
        "since": lambda client: client.created_at,
    }

    def has_add_permission(self, request: HttpRequest) -> bool:
        return True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Client]:
        return Client.objects.annotate(open_sites=Count("sites", filter=Q(sites__closed_at=None)))

    def get_urls(self) -> list[URLPattern]:
        mine = path("<int:pk>/remove/", console.admin_view(self.remove), name="clients_client_remove")
        return [mine, *super().get_urls()]

    @display(description=gettext_lazy("Client"), ordering="title")
    def shown_title(self, client: Client) -> str:
        return apart(client.title)

    @display(description=gettext_lazy("Offer"), ordering="offer")
    def shown_offer(self, client: Client) -> str:
        return str(OFFERS[client.offer].title)

    @display(description=gettext_lazy("Sites"), ordering="open_sites")
    def shown_sites(self, client: Any) -> int:
        return client.open_sites

    @display(description=gettext_lazy("Since"), ordering="created_at")
    def shown_since(self, client: Client) -> str:
        return ago(client.created_at)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        def add(data: dict[str, Any]) -> HttpResponse:
            client = actions.add_client(
                name=data["name"], title=data["title"], offer_name=data["offer"], by=who(request)
            )
            return redirect("console:clients_client_change", client.pk)

        return form_page(
            request,
            NewClient(request.POST or None),
            add,
            title=_("Add a client"),
            lead=_("The organisation that sites are hosted for."),
            button=_("Add client"),
            back=reverse("console:clients_client_changelist"),
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        client = get_object_or_404(Client, pk=int(object_id) if object_id.isdecimal() else 0)
        sites = client.sites.kept().with_state().select_related("client", "cluster").prefetch_related("domains")
        return console.page(
            request,
            "console/client.html",
            title=apart(client.title),
            client=client,
            offer=OFFERS[client.offer],
            sites=sites.order_by("attention", "name")[:200],
            keys=client.keys.filter(revoked_at=None).count(),
            events=Event.objects.filter(client=client.name)[:15],
        )

    def remove(self, request: HttpRequest, pk: int) -> HttpResponse:
        client = get_object_or_404(Client, pk=pk)
        error = ""
        if request.method == "POST":
            if request.POST.get("confirm", "").strip() != client.name:
                error = _("That is not its name.")
            else:
                try:
                    actions.remove_client(client, by=who(request))
                except WebstreetError as refused:
                    error = said(refused)
                else:
                    messages.info(request, _("%(name)s was removed.") % {"name": apart(client.title)})
                    return redirect("console:clients_client_changelist")
        return console.page(
            request,
            "console/confirm.html",
            title=_("Remove %(name)s") % {"name": apart(client.title)},
            site=client.name,
            lead=_("Removes the client. Its sites must be closed first."),
            consequences=[
                *_stopping(client.keys.filter(revoked_at=None).count()),
                _("The journal and the final backups of its closed sites stay."),
            ],
            ask_name=True,
            error=error,
            button=_("Remove client"),
            button_class="ws-button-bad",
            back=reverse("console:clients_client_change", args=[client.pk]),
        )


class NewKey(forms.Form):
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=Role.choices)
    client = forms.ModelChoiceField(
        Client.objects.all(),
        label=gettext_lazy("Client"),
        required=False,
        to_field_name="name",
        help_text=gettext_lazy("None for an operator's key."),
    )
    label = forms.CharField(label=gettext_lazy("Label"), max_length=100, required=False)


class AccessKeyPages(Pages):
    list_display = ("shown_key", "label", "shown_role", "shown_client", "shown_used", "shown_revoke")
    list_display_links = None
    list_filter = ("role",)
    search_fields = ("prefix", "label", "client__name")
    search_help_text = gettext_lazy("Beginning, label or client")
    list_select_related = ("client",)
    columns = {
        "begins with": lambda key: key.prefix,
        "label": lambda key: key.label,
        "role": lambda key: key.role,
        "client": lambda key: key.client.name if key.client else "",
        "made": lambda key: key.created_at,
        "made by": lambda key: key.created_by,
        "last used": lambda key: key.last_used_at,
        "revoked": lambda key: key.revoked_at,
    }

    def has_add_permission(self, request: HttpRequest) -> bool:
        return True

    def get_urls(self) -> list[URLPattern]:
        mine = path("<int:pk>/revoke/", console.admin_view(self.revoke), name="clients_accesskey_revoke")
        return [mine, *super().get_urls()]

    @display(description=gettext_lazy("Begins with"), ordering="prefix")
    def shown_key(self, key: AccessKey) -> str:
        return format_html('<code class="ws-code-inline">{}…</code>', key.prefix)

    @display(description=gettext_lazy("Role"), ordering="role")
    def shown_role(self, key: AccessKey) -> str:
        return str(key.get_role_display())

    @display(description=gettext_lazy("Client"), ordering="client__name", empty_value="–")
    def shown_client(self, key: AccessKey) -> str | None:
        return key.client.name if key.client else None

    @display(description=gettext_lazy("Last used"), ordering="last_used_at")
    def shown_used(self, key: AccessKey) -> str:
        return ago(key.last_used_at) if key.last_used_at else _("never")

    @display(description=gettext_lazy("Revoked"), ordering="revoked_at")
    def shown_revoke(self, key: AccessKey) -> str:
        if key.revoked_at:
            return ago(key.revoked_at)
        address = reverse("console:clients_accesskey_revoke", args=[key.pk])
        return format_html('<a class="ws-link" href="{}">{}</a>', address, _("Revoke"))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        def make(data: dict[str, Any]) -> HttpResponse:
            client = data["client"].name if data["client"] else ""
            _row, text = actions.make_key(role=data["role"], client=client, label=data["label"], by=who(request))
            return console.page(request, "console/new_key.html", title=_("New access key"), key=text.reveal())

        return form_page(
            request,
            NewKey(request.POST or None),
            make,
            title=_("Make an access key"),
            button=_("Make key"),
            back=reverse("console:clients_accesskey_changelist"),
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        return redirect("console:clients_accesskey_changelist")

    def revoke(self, request: HttpRequest, pk: int) -> HttpResponse:
        key = get_object_or_404(AccessKey.objects.select_related("client"), pk=pk)
        if request.method == "POST":
            actions.revoke_key(key, by=who(request))
            return redirect("console:clients_accesskey_changelist")
        return console.page(
            request,
            "console/confirm.html",
            title=_("Revoke %(key)s") % {"key": str(key)},
            lead=_("Whatever uses this key is refused from now on. This cannot be undone."),
            consequences=[
                *([_("Label: %(label)s") % {"label": key.label}] if key.label else []),
                _("Role: %(role)s") % {"role": key.get_role_display()},
                _("Client: %(client)s") % {"client": key.client.name if key.client else _("all clients")},
            ],
            button=_("Revoke key"),
            button_class="ws-button-bad",
            back=reverse("console:clients_accesskey_changelist"),
        )


def _stopping(keys: int) -> list[str]:
    if not keys:
        return []
    return [ngettext("%(n)s access key stops working.", "%(n)s access keys stop working.", keys) % {"n": keys}]
