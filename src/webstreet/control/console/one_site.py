"""Pages about one site: what is wanted and seen of it, and what can be done to it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webstreet.control.catalogue import shelf
from webstreet.control.clients.access import Actor
from webstreet.control.console.errors import said
from webstreet.control.console.pages import who
from webstreet.control.console.site import console
from webstreet.control.console.words import DIFFERS, LOOKS, SENTENCES, apart
from webstreet.control.journal.models import Event
from webstreet.control.orchestrators.base import SiteUnknown
from webstreet.control.places.orchestrators import orchestrator_for
from webstreet.control.sites import actions, dictionary
from webstreet.control.sites.customizations import Customization
from webstreet.control.sites.editors import editor_link
from webstreet.control.sites.exporting import Archive, left_out_for
from webstreet.control.sites.models import Site
from webstreet.control.sites.state import UNDER_WAY, Shown, wanted_state_of
from webstreet.kernel.errors import WebstreetError

LOG_LINES = 40
LIVE_BUSY, LIVE_CALM = "every 2s", "every 10s"


def site_of(pk: int) -> Any:
    """With all that its pages show; 404 if there is none."""
    rows = (
        Site.objects.with_state()
        .select_related("client", "cluster")
        .prefetch_related("domains", "residencies", "secrets")
    )
    return get_object_or_404(rows, pk=pk)


def refusal(action: Callable[[], object]) -> str:
    """Why an action was refused; empty when it was done."""
    try:
        action()
    except WebstreetError as error:
        return said(error)
    return ""


def customized(site: Any) -> Any:
    """Its customizations, the latest first."""
    return Customization.objects.with_force().filter(site=site).select_related("site__client").order_by("-number")


def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """What is wanted, what is seen, what differs, and what can be done."""
    site = site_of(pk)
    log, log_note = _log(site)
    return console.page(
        request,
        "console/site.html",
        title=f"{apart(site.shown_title)} ({site})" if site.shown_title else _("Site %(site)s") % {"site": site},
        log=log,
        log_note=log_note,
        imports=site.imports.all()[:5],
        events=Event.objects.filter(object=str(site))[:15],
        residencies=[row for row in site.residencies.all() if row.where == "client"],
        secret_names=sorted(site.secrets.values_list("name", flat=True)),
        manifest=site.manifest().to_yaml(),
        customizations=dictionary.in_force(customized(site), True),
        **_live(site),
    )


def live(request: HttpRequest, pk: int) -> HttpResponse:
    site = site_of(pk)
    body = _live(site)
    page = render(request, "console/site_live.html", body)
    wrapped = format_html(
        '<div id="site-live" data-live hx-get="{}" hx-trigger="{}" hx-swap="outerHTML">',
        request.path,
        body["trigger"],
    )
    return HttpResponse(wrapped.encode() + page.content + b"</div>")


def suspend(request: HttpRequest, pk: int) -> HttpResponse:
    site = site_of(pk)
    error = ""
    if request.method == "POST":
        error = refusal(lambda: actions.suspend_site(site, by=who(request)))
        if not error:
            return redirect("console:sites_site_change", pk)
    return console.page(
        request,
        "console/confirm.html",
        title=_("Suspend %(site)s") % {"site": site},
        lead=_("Readers and editors get a page that says the site is suspended (503), until it is resumed."),
        consequences=[*_numbers(site), _("Its data is kept. Nothing is sent, also no issue that is under way.")],
        error=error,
        button=_("Suspend site"),
        button_class="ws-button-main",
        back=reverse("console:sites_site_change", args=[pk]),
    )


def resume(request: HttpRequest, pk: int) -> HttpResponse:
    if request.method == "POST":
        error = refusal(lambda: actions.resume_site(site_of(pk), by=who(request)))
        if error:
            messages.error(request, error)
    return redirect("console:sites_site_change", pk)


def close(request: HttpRequest, pk: int) -> HttpResponse:
    site = site_of(pk)
    error = ""
    if request.method == "POST":
        confirm = request.POST.get("confirm", "").strip()
        error = refusal(lambda: actions.close_site(site, confirm=confirm, by=who(request)))
        if not error:
            return redirect("console:sites_site_change", pk)
        if confirm != str(site):
            error = _("That is not its name.")
    return console.page(
        request,
        "console/confirm.html",
        title=_("Close %(site)s") % {"site": site},
        site=str(site),
        lead=_("Stops the site, makes a final backup, then removes it."),
        consequences=[
            *_numbers(site),
            _("Its domains and its name are free again. Its secrets are forgotten."),
            _("The final backup is kept on the hoster's disk. Data that lives at the client is not touched."),
        ],
        ask_name=True,
        error=error,
        button=_("Close site"),
        button_class="ws-button-bad",
        back=reverse("console:sites_site_change", args=[pk]),
    )


def link(request: HttpRequest, pk: int) -> HttpResponse:
    """Into the site's own admin: its engine makes a one-time link, which the answer carries.

    No redirect: the site is another origin, and our policy (``form-action 'self'``) forbids a form to end there.
    """
    if request.method == "POST":
        try:
            site = site_of(pk)
            url, _until = editor_link(site, email="", next="", by=who(request))
            context = console.each_context(request) | {"url": url, "site": site, "title": ""}
            return render(request, "console/site_admin.html", context)
        except WebstreetError as error:
            messages.error(request, said(error))
    return redirect("console:sites_site_change", pk)


def archive(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Everything the site holds, streamed as the API does."""
    if request.method == "POST":
        site = site_of(pk)
        actor = Actor.of_member(request.user.member)  # type: ignore[union-attr]
        try:
            archive = Archive(actions.find_site(actor, site.client.name, site.name), actor)
            return StreamingHttpResponse(archive, content_type=archive.media_type, headers=archive.headers)
        except WebstreetError as error:
            messages.error(request, said(error))
    return redirect("console:sites_site_change", pk)


def _live(site: Any) -> dict[str, Any]:
    return {
        "site": site,
        "left_out": ", ".join(left_out_for(site, operator=True)),
        "sentence": SENTENCES[site.shown_state],
        # What a running site has a note about is something that it lacks.
        "tone": "ws-warn" if site.shown_state == Shown.RUNNING else f"ws-{LOOKS[site.shown_state].tone}",
        "wanted_state": wanted_state_of(site),
        "seen_state": site.seen_state,
        "release": shelf.release().version,
        "differences": [{"word": DIFFERS[row.what], "wanted": row.wanted, "seen": row.seen} for row in site.differs],
        "trigger": LIVE_BUSY if site.shown_state in UNDER_WAY else LIVE_CALM,
    }


def _log(site: Site) -> tuple[str, str]:
    """The last lines, or why there are none."""
    if site.closed_at:
        return "", _("The site is closed.")
    try:
        lines = orchestrator_for(site.cluster).logs(site.site_id, lines=LOG_LINES)
        text = "\n".join(itertools.islice(lines, LOG_LINES))
    except SiteUnknown:
        return "", _("No log yet.")  # opened a moment ago: its processes are still to be made
    except WebstreetError as error:
        return "", said(error)
    return text, _("No log yet.")


def _numbers(site: Site) -> list[str]:
    domains = len(site.domain_names)
    waiting = site.imports.filter(finished_at=None).count()
    lines = []
    if domains:
        lines.append(
            ngettext("%(n)s domain stops answering.", "%(n)s domains stop answering.", domains) % {"n": domains}
        )
    if waiting:
        lines.append(ngettext("%(n)s import is cut off.", "%(n)s imports are cut off.", waiting) % {"n": waiting})
    return lines
