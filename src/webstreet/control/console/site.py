"""The admin site of the operators, and its pages that are not about a model."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from unfold.sites import UnfoldAdminSite

from webstreet.control.clients.models import Role


class ConsoleSite(UnfoldAdminSite):
    """Only members with the role operator get in."""

    login_template = "console/login.html"
    index_template = "console/index.html"
    index_title = _("Overview")
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        member = getattr(user, "member", None) if user.is_authenticated and user.is_active else None
        return member is not None and member.role == Role.OPERATOR

    def extra_urls(self) -> list[URLPattern]:
        from webstreet.control.console import catalogue

        return [
            path("overview/live/", self.admin_view(self.live), name="overview_live"),
            path("catalogue/atoms/", self.admin_view(catalogue.atoms), name="catalogue_atoms"),
            path("catalogue/atoms/<slug:name>/", self.admin_view(catalogue.atom), name="catalogue_atom"),
            path("catalogue/templates/", self.admin_view(catalogue.templates), name="catalogue_templates"),
            path("catalogue/templates/<slug:name>/", self.admin_view(catalogue.template), name="catalogue_template"),
        ]

    def live(self, request: HttpRequest) -> HttpResponse:
        from webstreet.control.console.dashboard import overview

        return render(request, "console/overview.html", overview())

    def page(self, request: HttpRequest, name: str, /, **context: Any) -> HttpResponse:
        """A page in the console's frame."""
        request.current_app = self.name  # type: ignore[attr-defined]
        return render(request, name, self.each_context(request) | context)


console = ConsoleSite(name="console")
