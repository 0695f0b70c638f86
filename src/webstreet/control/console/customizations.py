"""The customization dictionary's page: everything done specially for a client, to search, filter and export."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from webstreet.control.console.pages import Pages
from webstreet.control.console.templatetags.console import ago, change_words
from webstreet.control.sites.customizations import Customization
from webstreet.control.sites.dictionary import SEARCHED, in_force, is_in_force, shown_values


class ForceFilter(admin.SimpleListFilter):
    title = gettext_lazy("in force")
    parameter_name = "force"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("in force")), ("no", _("not any more"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return in_force(queryset, self.value() == "yes") if self.value() in ("yes", "no") else queryset


class AtomFilter(admin.AllValuesFieldListFilter):
    """Only atoms that something was customized of."""


class CustomizationPages(Pages):
    list_display = ("shown_site", "shown_subject", "shown_change", "why", "shown_by", "shown_at", "shown_force")
    list_display_links = None
    list_filter = (ForceFilter, ("atom", AtomFilter), "kind", ("site__client", admin.RelatedOnlyFieldListFilter))
    search_fields = SEARCHED
    search_help_text = gettext_lazy("Site, atom, parameter, reason or person")
    columns = {
        "client": lambda row: row.site.client.name,
        "site": lambda row: row.site.name,
        "number": lambda row: row.number,
        "subject": lambda row: row.subject,
        "from": lambda row: shown_values(row)[1],
        "to": lambda row: shown_values(row)[3],
        "why": lambda row: row.why,
        "by": lambda row: row.by,
        "at": lambda row: row.at,
        "at opening": lambda row: row.at_opening,
        "undoes": lambda row: row.undoes,
        "in force": is_in_force,
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customization]:
        return Customization.objects.with_force().select_related("site__client")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        return redirect("console:sites_customization_changelist")

    @display(description=gettext_lazy("Site"), ordering="site__client__name")
    def shown_site(self, row: Customization) -> str:
        address = reverse("console:sites_site_change", args=[row.site_id])
        return format_html('<a class="ws-link" href="{}">{}</a>', address, row.site)

    @display(description=gettext_lazy("What"), ordering="atom")
    def shown_subject(self, row: Customization) -> str:
        return format_html('<code class="ws-code-inline">{}</code>', row.subject)

    @display(description=gettext_lazy("From → to"))
    def shown_change(self, row: Customization) -> SafeString:
        return change_words(row)

    @display(description=gettext_lazy("By"), ordering="by")
    def shown_by(self, row: Customization) -> str:
        return row.by

    @display(description=gettext_lazy("When"), ordering="at")
    def shown_at(self, row: Customization) -> str:
        return ago(row.at)

    @display(description=gettext_lazy("In force"))
    def shown_force(self, row: Any) -> str:
        if row.undoes:
            return _("undoes %(n)s") % {"n": row.undoes}
        if not is_in_force(row):
            return _("not any more")
        return _("since the opening") if row.at_opening else _("in force")
