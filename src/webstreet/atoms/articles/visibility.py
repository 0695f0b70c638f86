"""Who may see which article. Every list, page, feed and file asks here and nowhere else."""

from __future__ import annotations

import enum
from typing import Any

from django.conf import settings
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_lazy as _


class Visibility(models.TextChoices):
    """Draft is not among them: that is Wagtail's unpublished."""

    PUBLIC = "public", _("Public: everybody")
    PRIVATE = "private", _("Private: people who are signed in")
    ARCHIVED = "archived", _("Archived: editors")


class Viewer(enum.IntEnum):
    """Whoever asks, by what they may see. Each sees what the one before sees."""

    ANONYMOUS = 0
    MEMBER = 1
    EDITOR = 2

    @classmethod
    def of(cls, request: HttpRequest | None) -> Viewer:
        """Without a session cookie the session is not even asked, so that the answer to an anonymous reader can be cached."""
        if request is None:
            return cls.ANONYMOUS
        if settings.SESSION_COOKIE_NAME not in request.COOKIES and not getattr(request, "is_preview", False):
            return cls.ANONYMOUS
        user: Any = getattr(request, "user", None)
        if user is None or not user.is_authenticated or not user.is_active:
            return cls.ANONYMOUS
        return cls.EDITOR if user.has_perm("wagtailadmin.access_admin") else cls.MEMBER

    @property
    def sees(self) -> list[str]:
        """The values of `Visibility` that this viewer may see at all."""
        return list(Visibility.values)[: self + 1]

    @property
    def listed(self) -> list[str]:
        """What lists show this viewer: archived articles are found by search and address only."""
        return [level for level in self.sees if level != Visibility.ARCHIVED]


def keep_apart(response: HttpResponse, viewer: Viewer) -> HttpResponse:
    """Stop caches from giving one reader's page to another."""
    patch_vary_headers(response, ["Cookie"])
    if viewer is not Viewer.ANONYMOUS:
        response["Cache-Control"] = "private, no-store"
    return response
