"""The base of the console's lists. Rows are looked at and searched here; every change goes through an action."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.utils import label_for_field
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin


def who(request: HttpRequest) -> str:
    """Whose name the journal gets."""
    return request.user.get_username()


class Pages(ModelAdmin):
    """A list without Django's own editing: no bulk delete, no change form."""

    actions = None
    list_per_page = 50
    list_fullwidth = True
    list_filter_sheet = False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        if self.list_display_links is None and isinstance(response, TemplateResponse):
            response.add_post_render_callback(self._name_first_column)
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
