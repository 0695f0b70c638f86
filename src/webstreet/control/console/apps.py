from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "webstreet.control.console"
    label = "console"
