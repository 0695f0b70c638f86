"""/dictionary/configuration, /settings, /customizations, and /sites/…/customizations: the three dictionaries (atoms are at /atoms)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status
from pydantic import ConfigDict, Field

from webstreet.control.api.pages import Exported, Page, Text, listed, page, searched
from webstreet.control.api.sites import to_change
from webstreet.control.catalogue import settings, shelf
from webstreet.control.clients.access import Actor
from webstreet.control.sites import actions, customizing, dictionary
from webstreet.control.sites.customizations import Customization
from webstreet.control.tables import csv_answer

router = Router(tags=["dictionary"])
of_site = Router(tags=["sites"])


class SettingOut(Schema):
    name: str
    scope: str = Field(description="site, control or command-line")
    meaning: str
    values: str
    default: str
    who: str = Field(description="who may change it")
    stored: str
    effect: str = Field(description="what happens when it is changed")
    restarts: bool
    secret: bool


class SettingPage(Page):
    items: list[SettingOut]


class SettingFilter(Exported):
    scope: str = Field("", max_length=20, description="site, control or command-line")


@router.get("/settings", response=SettingPage, summary="List every setting that controls a site or the control plane")
def list_settings(request: HttpRequest, paging: Query[SettingFilter]) -> Any:
    found = [one for one in settings.settings(shelf.release()) if paging.scope in ("", one.scope)]
    if paging.format == "csv":
        titles = tuple(SettingOut.model_fields)
        return csv_answer("settings", titles, ([one.said()[name] for name in titles] for one in found))
    shown, total = listed(found, paging, lambda one: f"{one.name} {one.said()['meaning']}")
    return {"items": [one.said() for one in shown], "total": total}


class UseOut(Schema):
    atom: str
    how: str = Field(description="requires, the hook that is called, or the parameters that are set")


class EntryOut(Schema):
    kind: str = Field(description="atom, template or site")
    name: str
    template: str
    uses: list[UseOut]


class EntryPage(Page):
    items: list[EntryOut]


class EntryFilter(Exported):
    kind: Text = Field("", max_length=20, description="atom, template or site")
    atom: Text = Field("", max_length=40, description="only what uses this atom")
    client: Text = Field("", max_length=100, description="only sites of this client")


@router.get("/configuration", response=EntryPage, summary="List which site, template and atom uses which atom")
def list_configuration(request: HttpRequest, paging: Query[EntryFilter]) -> Any:
    found = dictionary.Configuration(
        request.auth, kind=paging.kind, atom=paging.atom, client=paging.client, text=paging.q.strip()
    )
    if paging.format == "csv":
        return csv_answer("configuration", found.COLUMNS, found.rows())
    return {"items": [_entry(e) for e in found.entries(paging.offset, paging.limit)], "total": found.total}


def _entry(entry: dictionary.Entry) -> dict[str, Any]:
    uses = [{"atom": use.atom, "how": use.how} for use in entry.uses]
    return {"kind": entry.kind, "name": entry.name, "template": entry.template, "uses": uses}


class CustomizationOut(Schema):
    client: str
    site: str
    number: int
    subject: str = Field(description="as in newsletter.on_publish, residency.newsletter, EMAIL_URL")
    kind: str = Field(description="parameter, residency or setting")
    atom: str
    name: str
    before: Any = Field(description="the value before; the default if none was set; null if it is secret")
    before_is: str = Field(description="set, default or secret")
    after: Any
    after_is: str
    why: str
    by: str
    at: dt.datetime
    at_opening: bool = Field(description="asked for when the site was opened, not later")
    undoes: int | None
    in_force: bool
    generation: int


class CustomizationPage(Page):
    items: list[CustomizationOut]


class CustomizationFilter(Exported):
    client: Text = Field("", max_length=100, description="only this client's")
    atom: Text = Field("", max_length=40, description="only those about this atom")
    in_force: bool | None = Field(None, description="only those that hold, or only those that do not any more")


SORTS = {"at": ("-at", "-id"), "site": ("site__client__name", "site__name", "number"), "atom": ("atom", "name", "-at")}


def shape(row: Customization) -> dict[str, Any]:
    before_is, before, after_is, after = dictionary.shown_values(row)
    names = ("number", "subject", "kind", "atom", "name", "why", "by", "at", "at_opening", "undoes", "generation")
    return {name: getattr(row, name) for name in names} | {
        "client": row.site.client.name, "site": row.site.name, "in_force": dictionary.is_in_force(row),
        "before": before, "before_is": before_is, "after": after, "after_is": after_is,
    }  # fmt: skip


def _answer(rows: Any, paging: CustomizationFilter) -> Any:
    if paging.format == "csv":
        titles = tuple(CustomizationOut.model_fields)
        found = searched(rows, paging.q, dictionary.SEARCHED).order_by("-at", "-id")
        shapes = map(shape, found.iterator(chunk_size=500))
        return csv_answer("customizations", titles, ([one[name] for name in titles] for one in shapes))
    return page(rows, paging, shape, search=dictionary.SEARCHED, sorts=SORTS)


@router.get("/customizations", response=CustomizationPage, summary="List everything done specially for a client")
def list_customizations(request: HttpRequest, paging: Query[CustomizationFilter]) -> Any:
    actor: Actor = request.auth
    rows = dictionary.customizations(actor, client=paging.client, atom=paging.atom, only=paging.in_force)
    return _answer(rows, paging)


@of_site.get(
    "/{client}/{site}/customizations", response=CustomizationPage, summary="List what was customized of a site"
)
def list_of_site(request: HttpRequest, client: str, site: str, paging: Query[CustomizationFilter]) -> Any:
    found = actions.find_site(request.auth, client, site)
    rows = dictionary.customizations(request.auth, atom=paging.atom, only=paging.in_force).filter(site=found)
    return _answer(rows, paging)


class Wanted(Schema):
    model_config = ConfigDict(extra="forbid")
    parameters: dict[str, dict[str, Any]] = Field(
        description="atom -> parameter -> value", examples=[{"newsletter": {"on_publish": "draft"}}]
    )
    why: str = Field(
        description="the reason, for whoever asks later", examples=["Acme reads every mail before it goes"]
    )


class Reason(Schema):
    model_config = ConfigDict(extra="forbid")
    why: str = Field(description="the reason")


class Recorded(Schema):
    items: list[CustomizationOut] = Field(description="what was recorded; empty if all was so already")
    wanted_generation: int


@of_site.post(
    "/{client}/{site}/customizations", response={202: Recorded}, summary="Change parameters of a site's atoms"
)
def customize_site(request: HttpRequest, client: str, site: str, data: Wanted) -> Any:
    found = to_change(request, client, site)
    made = customizing.customize(found, data.parameters, why=data.why, by=request.auth.name)
    return _recorded(request, client, site, made)


@of_site.post(
    "/{client}/{site}/customizations/{number}/undo", response={202: Recorded}, summary="Put back what was there before"
)
def undo_customization(request: HttpRequest, client: str, site: str, number: int, data: Reason) -> Any:
    found = to_change(request, client, site)
    made = customizing.undo(found, number, why=data.why, by=request.auth.name)
    return _recorded(request, client, site, [made])


def _recorded(request: HttpRequest, client: str, site: str, made: list[Customization]) -> Any:
    found = actions.find_site(request.auth, client, site)
    rows = dictionary.customizations(request.auth).filter(pk__in=[row.pk for row in made]).order_by("number")
    return Status(202, {"items": [shape(row) for row in rows], "wanted_generation": found.wanted_generation})
