"""What unfold is told: brand, colours, navigation."""

from __future__ import annotations

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def _item(title: Any, icon: str, view: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(f"console:{view}")}


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Webstreet",
    "SITE_HEADER": "Webstreet",
    "SITE_SUBHEADER": _("Control plane"),
    "SITE_URL": None,
    "SITE_SYMBOL": "hub",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("console/icon.svg")},
    ],
    "STYLES": [lambda request: static("console/console.css")],
    "SCRIPTS": [lambda request: static("console/console.js")],
    "SHOW_HISTORY": False,
    "LOGIN": {"form": "webstreet.control.console.password.PasswordForm"},
    "ACCOUNT": {
        "navigation": [
            {"title": _("Sign-in and security"), "link": reverse_lazy("mfa_index")},
            {"title": _("Change password"), "link": reverse_lazy("console:password_change")},
        ]
    },
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "DASHBOARD_CALLBACK": "webstreet.control.console.dashboard.dashboard",
    "COLORS": {
        # A calm teal: white text on 600 has a contrast of 5.5:1.
        "primary": {
            "50": "oklch(98% .014 190)",
            "100": "oklch(95% .035 190)",
            "200": "oklch(90% .062 190)",
            "300": "oklch(83% .088 190)",
            "400": "oklch(73% .100 192)",
            "500": "oklch(62% .096 195)",
            "600": "oklch(50% .082 198)",
            "700": "oklch(43% .070 200)",
            "800": "oklch(37% .058 202)",
            "900": "oklch(32% .048 204)",
            "950": "oklch(23% .040 206)",
        },
    },
    "SIDEBAR": {
        "navigation": [
            {"items": [_item(_("Overview"), "dashboard", "index")]},
            {
                "title": _("Hosting"),
                "separator": True,
                "items": [
                    _item(_("Sites"), "language", "sites_site_changelist"),
                    _item(_("Clients"), "group", "clients_client_changelist"),
                ],
            },
            {
                "title": _("Catalogue"),
                "separator": True,
                "items": [
                    _item(_("Templates"), "view_quilt", "catalogue_templates"),
                ],
            },
            {
                "title": _("Dictionaries"),
                "separator": True,
                "items": [
                    _item(_("Atoms"), "widgets", "catalogue_atoms"),
                    _item(_("Configuration"), "account_tree", "dictionary_configuration"),
                    _item(_("Settings"), "tune", "dictionary_settings"),
                    _item(_("Customizations"), "handyman", "sites_customization_changelist"),
                ],
            },
            {
                "title": _("Control plane"),
                "separator": True,
                "items": [
                    _item(_("Journal"), "history", "journal_event_changelist"),
                    _item(_("Access keys"), "key", "clients_accesskey_changelist"),
                    {"title": _("API"), "icon": "api", "link": reverse_lazy("api:openapi-view")},
                ],
            },
        ],
    },
}
