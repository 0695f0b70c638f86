"""Sends each sensitive atom's tables to the alias of its name, everything else to ``default``."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models


def home(app_label: str) -> str:
    """The alias where an app's tables live."""
    return app_label if app_label in settings.WEBSTREET_SENSITIVE else "default"


class AtomRouter:
    """Decides by ``_meta`` only: ``type(obj)`` would be wrong for lazy objects such as ``request.user``."""

    def db_for_read(self, model: type[models.Model], **hints: Any) -> str:
        return home(model._meta.app_label)

    def db_for_write(self, model: type[models.Model], **hints: Any) -> str:
        return home(model._meta.app_label)

    def allow_relation(self, one: models.Model, other: models.Model, **hints: Any) -> bool:
        return home(one._meta.app_label) == home(other._meta.app_label)

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: Any) -> bool:
        # By label: RunPython and RunSQL pass no model.
        return home(app_label) == db
