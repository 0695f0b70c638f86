"""/clients and /keys."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest
from ninja import Query, Router, Schema, Status
from pydantic import ConfigDict, Field

from webstreet.control.api.pages import Page, Paging, Text, page
from webstreet.control.clients import actions, errors
from webstreet.control.clients.access import Actor
from webstreet.control.clients.models import AccessKey, Client

router = Router(tags=["clients"])
keys = Router(tags=["keys"])


class NewClient(Schema):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(description="slug; never changes", examples=["acme"])
    title: str = Field("", description="what people read; the name if empty", examples=["Acme"])
    offer: str = Field("shared", description="shared or dedicated")


class ClientOut(Schema):
    name: str
    title: str
    offer: str
    created_at: dt.datetime
    sites: int = Field(description="how many open sites it has")


class ClientPage(Page):
    items: list[ClientOut]


def _rows(actor: Actor) -> Any:
    return actor.sees(Client).annotate(open_sites=Count("sites", filter=Q(sites__closed_at=None)))


def _shape(client: Any) -> dict[str, Any]:
    return {
        "name": client.name,
        "title": client.title,
        "offer": client.offer,
        "created_at": client.created_at,
        "sites": client.open_sites,
    }


@router.get("", response=ClientPage, summary="List clients")
def list_clients(request: HttpRequest, paging: Query[Paging]) -> dict[str, Any]:
    sorts = {
        "name": ("name",),
        "title": ("title", "name"),
        "created_at": ("created_at",),
        "sites": ("open_sites", "name"),
    }
    return page(_rows(request.auth), paging, _shape, search=("name", "title"), sorts=sorts)


@router.post("", response={201: ClientOut}, summary="Add a client")
def add_client(request: HttpRequest, data: NewClient) -> Any:
    actor: Actor = request.auth
    actor.require_operator()
    client = actions.add_client(name=data.name, title=data.title, offer_name=data.offer, by=actor.name)
    return Status(201, _shape(_rows(actor).get(pk=client.pk)))


@router.get("/{client}", response=ClientOut, summary="Show a client")
def show_client(request: HttpRequest, client: str) -> dict[str, Any]:
    found = actions.find_client(request.auth, client)
    return _shape(_rows(request.auth).get(pk=found.pk))


@router.delete("/{client}", response={204: None}, summary="Remove a client that has no site")
def remove_client(request: HttpRequest, client: str) -> Any:
    actor: Actor = request.auth
    found = actions.find_client(actor, client)
    actor.require_operator()
    actions.remove_client(found, by=actor.name)
    return Status(204, None)


class NewKey(Schema):
    model_config = ConfigDict(extra="forbid")
    role: str = Field(description="operator, admin or viewer")
    client: str = Field("", max_length=100, description="the client it is for; empty for an operator's key")
    label: str = Field("", max_length=100)


class KeyOut(Schema):
    prefix: str
    label: str
    role: str
    client: str
    created_at: dt.datetime
    created_by: str
    last_used_at: dt.datetime | None
    revoked_at: dt.datetime | None


class NewKeyOut(KeyOut):
    key: str = Field(description="the key itself; it is never shown again")


class KeyPage(Page):
    items: list[KeyOut]


def _shape_key(key: AccessKey) -> dict[str, Any]:
    return {
        "prefix": key.prefix,
        "label": key.label,
        "role": key.role,
        "client": key.client.name if key.client else "",
        "created_at": key.created_at,
        "created_by": key.created_by,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
    }


@keys.get("", response=KeyPage, summary="List access keys")
def list_keys(request: HttpRequest, paging: Query[Paging]) -> dict[str, Any]:
    actor: Actor = request.auth
    actor.require_operator()
    sorts = {"created_at": ("-created_at",), "client": ("client__name", "prefix"), "last_used_at": ("last_used_at",)}
    rows = actor.sees(AccessKey).select_related("client")
    return page(rows, paging, _shape_key, search=("prefix", "label", "client__name"), sorts=sorts)


@keys.post("", response={201: NewKeyOut}, summary="Make an access key")
def make_key(request: HttpRequest, data: NewKey) -> Any:
    actor: Actor = request.auth
    actor.require_operator()
    key, text = actions.make_key(role=data.role, client=data.client, label=data.label, by=actor.name)
    return Status(201, _shape_key(key) | {"key": text.reveal()})


@keys.delete("/{prefix}", response={204: None}, summary="Revoke an access key")
def revoke_key(request: HttpRequest, prefix: Text) -> Any:
    actor: Actor = request.auth
    actor.require_operator()
    key = actor.sees(AccessKey).select_related("client").filter(prefix=prefix).first()
    if key is None:
        raise errors.KeyMissing(f'There is no key that begins with "{prefix[:20]}".')
    actions.revoke_key(key, by=actor.name)
    return Status(204, None)
