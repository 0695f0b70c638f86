"""Who may change the menu from the start."""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission


def let_editors() -> None:
    """Wagtail's groups may edit pages from the start; let them edit the menu's links too."""
    rights = Permission.objects.filter(content_type__app_label="menu", content_type__model="menulink")
    for group in Group.objects.filter(name__in=("Editors", "Moderators")):
        group.permissions.add(*rights)
