"""Registers the engine with Django, and imports what the atoms contribute."""

from __future__ import annotations

import importlib
import importlib.util

from django.apps import AppConfig
from django.conf import settings


class EngineConfig(AppConfig):
    name = "webstreet.engine"
    label = "engine"
    verbose_name = "Engine"

    def ready(self) -> None:
        for part in ("ticks", "preparation"):
            importlib.import_module(f"webstreet.engine.{part}")
        for atom in settings.SITE_ATOMS:
            for part in ("receivers", "exporting", "tasks"):
                if importlib.util.find_spec(f"{atom.app}.{part}") is not None:
                    importlib.import_module(f"{atom.app}.{part}")
        # Last: it looks at every model and snippet.
        importlib.import_module("webstreet.engine.pagecache.receivers").connect()
