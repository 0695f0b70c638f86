"""The admin site of the operators, and its pages that are not about a model."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
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

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The page for the password. Django's own would log in at once, whatever second factor there is."""
        from webstreet.control.console.login import PasswordLogin
        from webstreet.control.console.password import PasswordForm

        if request.method == "GET" and self.has_permission(request):
            return redirect("console:index")
        request.current_app = self.name  # type: ignore[attr-defined]
        wanted = (
            {}
            if REDIRECT_FIELD_NAME in {*request.GET, *request.POST}
            else {REDIRECT_FIELD_NAME: reverse("console:index")}
        )
        context = {
            **self.each_context(request),
            "title": _("Log in"),
            "subtitle": None,
            "app_path": request.get_full_path(),
            "username": request.user.get_username(),
            **wanted,
            **(extra_context or {}),
        }
        view = PasswordLogin.as_view(
            template_name=self.login_template, authentication_form=PasswordForm, extra_context=context
        )
        answer: HttpResponse = never_cache(view)(request)
        return answer

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """A form like the console's others: unfold's refers to hints that it does not show."""
        from webstreet.control.console.password import NewPassword

        request.current_app = self.name  # type: ignore[attr-defined]
        title = _("Change password")
        context = self.each_context(request) | {"title": title, "button": title, "back": reverse("console:index")}
        answer: HttpResponse = NewPassword.as_view(extra_context=context)(request)
        return answer

    def password_change_done(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Said by `NewPassword` on the overview."""
        return redirect("console:index")

    def app_index(
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """How the code is divided is nothing that the console shows."""
        return redirect("console:index")

    def extra_urls(self) -> list[URLPattern]:
        from webstreet.control.console import catalogue, dictionary

        return [
            path("overview/live/", self.admin_view(self.live), name="overview_live"),
            path(
                "dictionary/configuration/", self.admin_view(dictionary.configuration), name="dictionary_configuration"
            ),
            path("dictionary/settings/", self.admin_view(dictionary.settings), name="dictionary_settings"),
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
