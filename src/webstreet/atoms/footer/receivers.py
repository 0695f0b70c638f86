"""The foot of every page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from webstreet.engine import hooks
from webstreet.engine import site as this_site


@hooks.register("slot")
def foot_of_page(name: str, request: HttpRequest, context: dict[str, Any]) -> SafeString:
    if name != "site_footer":
        return SafeString("")
    parameters = this_site.parameters("footer")
    return render_to_string(
        "footer/footer.html",
        {
            "parameters": parameters,
            "holder": parameters.holder or this_site.current().title,
            "years": years(parameters.since, timezone.now().year),
        },
        request,
    )


def years(since: int | None, now: int) -> str:
    """``2026``, or ``2019–2026``."""
    return f"{since}–{now}" if since is not None and since < now else str(now)
