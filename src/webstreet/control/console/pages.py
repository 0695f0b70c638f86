"""The base of the console's lists. Rows are looked at and searched here; every change goes through an action."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
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
