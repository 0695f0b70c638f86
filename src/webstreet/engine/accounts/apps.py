"""Registers the accounts with Django; the records listen to what Django and allauth say."""

from __future__ import annotations

import importlib

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "webstreet.engine.accounts"
    label = "engine_accounts"
    verbose_name = _("Sign-in and security")

    def ready(self) -> None:
        for part in ("receivers", "ticks"):
            importlib.import_module(f"webstreet.engine.accounts.{part}")
