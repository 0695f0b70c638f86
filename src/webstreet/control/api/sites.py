"""/sites: open, look, suspend, resume, close."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from ninja import Query, Router, Schema, Status
from pydantic import ConfigDict, Field, SecretStr

from webstreet.contract.base import closest
from webstreet.control.api.pages import Page, Paging, Text, page
from webstreet.control.clients.access import Actor
from webstreet.control.sites import actions, own_settings
from webstreet.control.sites.models import Site
from webstreet.control.sites.state import Shown
from webstreet.kernel.errors import BadInput
from webstreet.kernel.secret import Secret

router = Router(tags=["sites"])
CHOICES = [state.value for state in Shown if state is not Shown.CLOSED]


class StateUnknown(BadInput):
    """The list of sites cannot be narrowed to that."""

    code = "state.unknown"


class NewSite(Schema):
    model_config = ConfigDict(extra="forbid")
    client: str = Field(examples=["acme"])
    site: str = Field(description="slug, once a client", examples=["blog"])
    template: str = Field(examples=["publication"])
    title: str = Field("", description="what readers see; made from the name if empty")
    domains: list[str] = Field(default=[], max_length=50, description="the first is the canonical one")
    languages: list[str] = Field(default=["en"], max_length=20, description="the first is the default")
    parameters: dict[str, dict[str, Any]] = Field(default={}, description="atom -> parameters, over the template's")
    residency: dict[str, str] = Field(default={}, description="sensitive atom -> hosted or client")
    database_urls: dict[str, SecretStr] = Field(
        default={}, description='"default" or an atom -> URL; never shown again'
    )
    email_url: SecretStr | None = Field(
        None, description="SMTP server; the installation's default if none; never shown again"
    )
    settings: dict[str, SecretStr] = Field(
        default={},
        description=f"further settings of the site: {', '.join(own_settings.KNOWN)}; secrets are never shown again",
    )
    why: str = Field("", description="the reason for what differs from the template, kept with it")


class Confirmation(Schema):
    model_config = ConfigDict(extra="forbid")
    confirm: str = Field(description="the full name of the site, client/site", examples=["acme/blog"])


class ProcessOut(Schema):
    name: str
    pid: int | None
    since: dt.datetime | None
    restarts: int
    note: str


class DiffersOut(Schema):
    what: str
    wanted: str
    seen: str


class SiteOut(Schema):
    client: str
    site: str
    title: str
    template: str
    domains: list[str]
    languages: list[str]
    atoms: dict[str, dict[str, Any]]
    residency: dict[str, str]
    state: str = Field(description=f"one of: {', '.join(Shown)}")
    address: str = Field(description="where readers reach it; empty while it has none")
    listens_at: str = Field(description="where it answers on this machine, for a proxy; empty while it does not")
    wanted_generation: int
    seen_generation: int | None
    seen_at: dt.datetime | None
    seen_since: dt.datetime | None
    note: str
    next: str = Field(description="what happens next; empty if nothing has to")
    processes: list[ProcessOut]
    differs: list[DiffersOut]
    customizations: int = Field(description="how many of its customizations hold; /customizations lists them")
    mail: str = Field(description="own: its own mail server; default: the installation's; none: nobody named one")
    suspended: bool
    closing: bool
    last_backup: str
    release: str
    created_at: dt.datetime
    console_url: str


class SitePage(Page):
    items: list[SiteOut]


class SiteFilter(Paging):
    client: Text = Field("", max_length=100, description="only sites of this client")
    state: str = Field("", max_length=20, description=f"only sites in this state: {', '.join(CHOICES)}")


def shape(request: HttpRequest, site: Site) -> dict[str, Any]:
    return {
        "client": site.client.name,
        "site": site.name,
        "title": site.wanted_title,
        "template": site.wanted_template,
        "domains": site.domain_names,
        "languages": site.wanted_languages,
        "atoms": site.wanted_atoms,
        "residency": site.residency,
        "state": site.state.value,
        "address": site.address,
        "listens_at": site.seen_address,
        "wanted_generation": site.wanted_generation,
        "seen_generation": site.seen_generation,
        "seen_at": site.cluster.seen_at,
        "seen_since": site.seen_since,
        "note": site.seen_note,
        "next": site.seen_next,
        "processes": site.seen_processes,
        "differs": [{"what": d.what, "wanted": d.wanted, "seen": d.seen} for d in site.differs],
        "customizations": site.in_force,
        "mail": site.mail,
        "suspended": site.wanted_suspended,
        "closing": site.wanted_closing,
        "last_backup": site.seen_backup,
        "release": site.seen_release,
        "created_at": site.created_at,
        "console_url": request.build_absolute_uri(reverse("console:sites_site_change", args=[site.pk])),
    }


@router.get("", response=SitePage, summary="List sites, those that need attention first")
def list_sites(request: HttpRequest, paging: Query[SiteFilter]) -> dict[str, Any]:
    actor: Actor = request.auth
    rows = actor.sees(Site, Site.objects.kept()).with_state().select_related("client", "cluster")
    rows = rows.prefetch_related("domains", "residencies", "secrets", "customizations")
    if paging.client:
        rows = rows.filter(client__name=paging.client)
    if paging.state:
        if paging.state not in CHOICES:
            hint = closest(paging.state, CHOICES) or f"There are: {', '.join(CHOICES)}."
            raise StateUnknown(f'No site can be in a state "{paging.state}". {hint}')
        rows = rows.filter(shown_state=paging.state)
    by_name = ("client__name", "name")
    sorts = {
        "attention": ("attention", *by_name),
        "name": by_name,
        "created_at": ("created_at", *by_name),
        "state": ("shown_state", *by_name),
        "seen_since": ("seen_since", *by_name),
    }
    search = ("name", "client__name", "wanted_title", "client__title")
    return page(rows, paging, lambda site: shape(request, site), search=search, sorts=sorts)


@router.post("", response={201: SiteOut}, summary="Open a site")
def open_site(request: HttpRequest, data: NewSite) -> Any:
    actor: Actor = request.auth
    actor.require_operator()
    wish = actions.Opening(
        client=data.client,
        site=data.site,
        template=data.template,
        title=data.title,
        domains=tuple(data.domains),
        languages=tuple(data.languages),
        parameters=data.parameters,
        residency=data.residency,
        database_urls={name: Secret(url.get_secret_value()) for name, url in data.database_urls.items()},
        email_url=Secret(data.email_url.get_secret_value()) if data.email_url else None,
        settings={name: Secret(value.get_secret_value().strip()) for name, value in data.settings.items()},
        why=data.why,
    )
    return Status(201, shape(request, actions.open_site(wish, by=actor.name)))


@router.get("/{client}/{site}", response=SiteOut, summary="Show a site: what is wanted and what is seen")
def show_site(request: HttpRequest, client: str, site: str) -> dict[str, Any]:
    return shape(request, actions.find_site(request.auth, client, site))


@router.post("/{client}/{site}/suspend", response={202: SiteOut}, summary="Answer 503 instead of serving")
def suspend_site(request: HttpRequest, client: str, site: str) -> Any:
    found = to_change(request, client, site)
    return Status(202, shape(request, actions.suspend_site(found, by=request.auth.name)))


@router.post("/{client}/{site}/resume", response={202: SiteOut}, summary="Serve again")
def resume_site(request: HttpRequest, client: str, site: str) -> Any:
    found = to_change(request, client, site)
    return Status(202, shape(request, actions.resume_site(found, by=request.auth.name)))


@router.post("/{client}/{site}/close", response={202: SiteOut}, summary="Keep a final backup, then remove the site")
def close_site(request: HttpRequest, client: str, site: str, data: Confirmation) -> Any:
    found = to_change(request, client, site)
    return Status(202, shape(request, actions.close_site(found, confirm=data.confirm, by=request.auth.name)))


def to_change(request: HttpRequest, client: str, name: str) -> Site:
    """The site, for somebody who may change it; who may not know of it learns nothing of it."""
    actor: Actor = request.auth
    found = actions.find_site(actor, client, name)
    actor.require_change()
    return found
