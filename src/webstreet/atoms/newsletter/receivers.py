"""What the newsletter answers when the engine or another atom asks."""

from __future__ import annotations

import uuid as uuids
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from webstreet.atoms.newsletter import actions, guard, looking, mail_server, metrics, tasks  # noqa: F401 looking: its ticks
from webstreet.atoms.newsletter.admin import dashboard
from webstreet.atoms.newsletter.importing import take
from webstreet.contract.health import Part
from webstreet.engine import hooks

SLOTS = ("after_article", "home_after", "footer")
SHOWN = "_newsletter_form_shown"


@hooks.register("article_first_public")
def article_first_public(uuid: uuids.UUID) -> None:
    """Called from a task that is tried again until we return, so the issue is made here and not in a task that could get lost."""
    made = actions.create_issue(uuid)
    if made is not None and made[0].may_send:
        tasks.wake(made[0])


@hooks.register("slot")
def slot(name: str, request: HttpRequest | None, context: dict[str, Any]) -> SafeString | str:
    """The sign-up form, once a page: the footer has it where nothing before it had. Touches neither session nor database, so the
    page around it can be cached.
    """
    if name not in SLOTS:
        return ""
    if name == "footer" and request is not None and (hasattr(request, SHOWN) or _has_one_errand(request)):
        return ""
    if request is not None:
        setattr(request, SHOWN, True)
    _version, text = actions.consent_text()
    words = {"token": guard.form_token(), "consent": text, "where": name.replace("_", "-")}
    return render_to_string("newsletter/form.html", words)


def _has_one_errand(request: HttpRequest) -> bool:
    """Pages of the newsletter itself, and of the site's own machinery, such as a one-time link's."""
    return request.path.startswith("/-/") or getattr(request.resolver_match, "namespace", "") == "newsletter"


@hooks.register("ready_parts")
def ready_parts() -> list[Part]:
    return [mail_server.watch.part()]


hooks.register("import_subscribers")(take)
hooks.register("metrics")(metrics.figures)
hooks.register("dashboard_panels", order=20)(dashboard.panels)
