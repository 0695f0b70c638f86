"""The newsletter in Wagtail's admin: a menu, the addresses of our screens, and permissions that groups can be given."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Permission
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, URLResolver, include, path, reverse
from django.utils.translation import gettext_lazy as _
from wagtail import hooks
from wagtail.admin.menu import Menu, MenuItem, SubmenuMenuItem


class _PermittedItem(MenuItem):
    def __init__(self, *args: Any, permission: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._permission = permission

    def is_shown(self, request: HttpRequest) -> bool:
        return request.user.has_perm(self._permission)


@hooks.register("register_admin_urls")
def admin_urls() -> list[URLPattern | URLResolver]:
    return [path("newsletter/", include("webstreet.atoms.newsletter.admin.urls"))]


@hooks.register("register_admin_menu_item")
def menu() -> SubmenuMenuItem:
    items = [
        _PermittedItem(
            _("Issues"),
            reverse("newsletter_admin:issues"),
            icon_name="mail",
            order=1,
            permission="newsletter.view_issue",
        ),
        _PermittedItem(
            _("Subscribers"),
            reverse("newsletter_admin:subscribers"),
            icon_name="group",
            order=2,
            permission="newsletter.view_subscriber",
        ),
        _PermittedItem(
            _("Suppression list"),
            reverse("newsletter_admin:suppressed"),
            icon_name="warning",
            order=3,
            permission="newsletter.view_subscriber",
        ),
        _PermittedItem(
            _("Sender"),
            reverse("newsletter_admin:sender"),
            icon_name="key",
            order=9,
            permission="newsletter.view_signingkey",
        ),
    ]
    return SubmenuMenuItem(_("Newsletter"), Menu(items=items), name="newsletter", icon_name="mail", order=250)


@hooks.register("register_permissions")
def permissions() -> QuerySet[Permission]:
    return Permission.objects.filter(
        content_type__app_label="newsletter", content_type__model__in=("subscriber", "issue", "signingkey")
    ).exclude(codename__in=("add_issue", "delete_issue", "add_signingkey", "delete_signingkey"))
