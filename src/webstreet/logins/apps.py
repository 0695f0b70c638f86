"""Registers the library with Django, for its templates and words."""

from __future__ import annotations

import importlib

from django.apps import AppConfig


class LoginsConfig(AppConfig):
    name = "webstreet.logins"
    label = "logins"

    def ready(self) -> None:
        importlib.import_module("webstreet.logins.receivers")
