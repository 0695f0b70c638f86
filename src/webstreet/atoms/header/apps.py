from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class HeaderConfig(AppConfig):
    name = "webstreet.atoms.header"
    label = "header"
    verbose_name = _("Header")
    default_auto_field = "django.db.models.BigAutoField"
