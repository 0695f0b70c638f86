"""The record of sign-ins, as a report of the admin: filtered, and as CSV."""

from __future__ import annotations

from typing import Any

import django_filters
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from wagtail.admin.filters import DateRangePickerWidget, WagtailFilterSet
from wagtail.admin.ui.tables import Column, DateColumn
from wagtail.admin.views.reports import ReportView

from webstreet.engine.accounts.models import Method, Result, SignIn


class SignInFilter(WagtailFilterSet):
    at = django_filters.DateFromToRangeFilter(label=_("When"), widget=DateRangePickerWidget)
    result = django_filters.MultipleChoiceFilter(label=_("Result"), choices=Result.choices)
    method = django_filters.MultipleChoiceFilter(label=_("By"), choices=Method.choices)
    person = django_filters.CharFilter(label=_("Person"), method="of_person")

    class Meta:
        model = SignIn
        fields = ("at", "result", "method")

    def of_person(self, rows: QuerySet[SignIn], name: str, value: str) -> QuerySet[SignIn]:
        model = get_user_model()
        return rows.filter(
            user_id__in=model.objects.filter(**{f"{model.USERNAME_FIELD}__icontains": value}).values("pk")
        )


class SignInReport(ReportView):
    """Who signed in, who was refused, what changed. For whoever may change users."""

    index_url_name = "engine_sign_ins"
    index_results_url_name = "engine_sign_ins_results"
    page_title = _("Sign-ins")
    header_icon = "lock"
    model = SignIn
    filterset_class = SignInFilter
    default_ordering = "-at"
    permission_required = "auth.change_user"
    any_permission_required = ("auth.change_user",)
    is_searchable = False
    list_export = ("at", "person", "get_result_display", "get_method_display", "network")
    export_headings = {
        "at": _("When"), "person": _("Person"), "get_result_display": _("Result"), "get_method_display": _("By"),
        "network": _("Network address"),
    }  # fmt: skip
    export_filename = "sign-ins"

    def get_queryset(self) -> QuerySet[SignIn]:
        return SignIn.objects.order_by("-at", "-pk")

    @cached_property
    def columns(self) -> list[Column]:
        return [
            DateColumn("at", label=_("When"), width="18%"),
            Column("person", label=_("Person")),
            Column("get_result_display", label=_("Result")),
            Column("get_method_display", label=_("By")),
            Column("network", label=_("Network address")),
        ]

    def decorate_paginated_queryset(self, rows: Any) -> Any:
        _name(rows)
        return rows


def _name(rows: Any) -> Any:
    """Give each row its ``person``: the account's name, or what stands for one that is gone or never was."""
    model = get_user_model()
    names = dict(model.objects.filter(pk__in={r.user_id for r in rows}).values_list("pk", model.USERNAME_FIELD))
    for row in rows:
        gone = _("Account %(number)s, deleted") % {"number": row.user_id} if row.user_id else _("Unknown name")
        row.person = names.get(row.user_id) or gone
    return rows
