from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SitesConfig(AppConfig):
    name = "webstreet.control.sites"
    label = "sites"
    verbose_name = _("Hosting")
