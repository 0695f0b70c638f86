from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MenuConfig(AppConfig):
    name = "webstreet.atoms.menu"
    label = "menu"
    verbose_name = _("Menu")
    default_auto_field = "django.db.models.BigAutoField"
