"""The base of the console's lists. Rows are looked at, searched and exported here; every change goes through an action."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import label_for_field
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin

from webstreet.control.console.site import console
from webstreet.control.tables import csv_answer

AT_ONCE = 500


def who(request: HttpRequest) -> str:
    """Whose name the journal gets."""
    return request.user.get_username()


class Pages(ModelAdmin):
    """A list without Django's own editing: no bulk delete, no change form.

    Attributes:
        columns: of the list as CSV, title -> what it shows of a row; raw values rather than words of the reader's language.
    """

    actions = None
    list_per_page = 50
    list_fullwidth = True
    list_filter_sheet = False
    change_list_template = "console/list.html"
    columns: ClassVar[dict[str, Callable[[Any], Any]]] = {}

    def get_urls(self) -> list[URLPattern]:
        view = console.admin_view(self.export)
        return [path("export/", view, name=f"{self.opts.app_label}_{self.opts.model_name}_export"), *super().get_urls()]

    def export(self, request: HttpRequest) -> HttpResponseBase:
        """The list as CSV: every row that filters and search leave, in the order shown."""
        try:
            rows = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:
            return redirect("../")
        shown = ([show(row) for show in self.columns.values()] for row in rows.iterator(chunk_size=AT_ONCE))
        return csv_answer(f"{self.opts.model_name}s", tuple(self.columns), shown, spreadsheet=True)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        address = f"export/?{request.GET.urlencode()}" if request.GET else "export/"
        response = super().changelist_view(request, {"export": address} | (extra_context or {}))
        if isinstance(response, TemplateResponse):
            if self.list_display_links is None:
                response.add_post_render_callback(self._name_first_column)
            response.add_post_render_callback(_begin_labels_large)
        return response

    def _name_first_column(self, response: Any) -> None:
        """unfold takes a first column without a link for the check boxes of bulk actions, which we have none of."""
        wrong = format_html('data-label="{}"', _("Select record"))
        right = format_html('data-label="{}"', label_for_field(self.list_display[0], self.model, self))
        response.content = response.content.replace(wrong.encode(), right.encode())

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True


LABEL = re.compile(r'(?<= data-label=")\w')


def _begin_labels_large(response: Any) -> None:
    """In a narrow window they stand before each value; a model calls its fields in lower case."""
    response.content = LABEL.sub(lambda first: first[0].upper(), response.content.decode()).encode()
