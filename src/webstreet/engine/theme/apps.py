from django.apps import AppConfig


class ThemeConfig(AppConfig):
    name = "webstreet.engine.theme"
    label = "theme"
    verbose_name = "Theme"

    def ready(self) -> None:
        from webstreet.engine.theme import accents  # noqa: F401 registers its check
