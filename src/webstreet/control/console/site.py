"""The admin site of the operators."""

from __future__ import annotations

from django.http import HttpRequest
from unfold.sites import UnfoldAdminSite

from webstreet.control.clients.models import Role


class ConsoleSite(UnfoldAdminSite):
    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        member = getattr(user, "member", None) if user.is_authenticated and user.is_active else None
        return member is not None and member.role == Role.OPERATOR


console = ConsoleSite(name="console")
