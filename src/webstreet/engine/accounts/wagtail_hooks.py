"""What Wagtail's admin shows of it: a way to one's own factors, and the report."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail import hooks
from wagtail.admin.menu import MenuItem

from webstreet.engine.accounts.reports import SignInReport


@hooks.register("register_account_menu_item")
def own_factors(request: HttpRequest) -> dict[str, Any]:
    return {
        "url": reverse("mfa_index"),
        "label": _("Sign-in and security"),
        "help_text": _("Second factor, passkeys, recovery codes, and signing out elsewhere."),
    }


@hooks.register("register_admin_urls")
def report_urls() -> list[Any]:
    return [
        path("reports/sign-ins/", SignInReport.as_view(), name="engine_sign_ins"),
        path("reports/sign-ins/results/", SignInReport.as_view(results_only=True), name="engine_sign_ins_results"),
    ]


class _ReportItem(MenuItem):
    def is_shown(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("auth.change_user"))


@hooks.register("register_reports_menu_item")
def report_item() -> MenuItem:
    return _ReportItem(
        gettext_lazy("Sign-ins"), reverse("engine_sign_ins"), name="sign-ins", icon_name="lock", order=1200
    )
