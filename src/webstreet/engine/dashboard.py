"""The admin's first page: a frame for the panels that atoms offer through the hook ``dashboard_panels``.

A panel is a ``section`` with a heading of level 2 that names it. A panel that cannot be made takes no other with it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from django.forms import Media
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from wagtail.admin.ui.components import Component

from webstreet.engine import hooks

logger = logging.getLogger(__name__)


class Panels(Component):  # type: ignore[misc]
    """The atoms' panels, above Wagtail's own, which speak of the editor's last work."""

    order = 50

    @property
    def media(self) -> Media:
        return Media(css={"all": ["engine/dashboard.css"]})

    def render_html(self, parent_context: Mapping[str, Any] | None = None) -> SafeString:
        request = parent_context["request"] if parent_context else None
        found = format_html_join("\n", "{}", ((panel,) for panel in panels(request)))
        return format_html('<div class="panels">{}</div>', found) if found else SafeString("")


def panels(request: HttpRequest | None) -> list[SafeString]:
    """What the atoms answer, in their order."""
    found: list[SafeString] = []
    for receiver in hooks.receivers("dashboard_panels"):
        try:
            found += [panel for panel in receiver(request) if panel]
        except Exception:
            logger.exception("dashboard.panel_failed", extra={"receiver": receiver.__module__})
    return found
