"""Registers the library with Django, for its templates and words."""

from __future__ import annotations

from django.apps import AppConfig


class LoginsConfig(AppConfig):
    name = "webstreet.logins"
    label = "logins"
