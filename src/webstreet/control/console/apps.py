import importlib

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "webstreet.control.console"
    label = "console"

    def ready(self) -> None:
        importlib.import_module("webstreet.control.console.factors")
