"""/events: the journal."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from webstreet.control.api.pages import Page, Paging, Text, page
from webstreet.control.clients.access import Actor
from webstreet.control.clients.models import Client
from webstreet.control.journal.models import Event

router = Router(tags=["journal"])


class EventOut(Schema):
    id: int
    at: dt.datetime
    who: str
    what: str
    client: str
    object: str
    detail: dict[str, Any]


class EventPage(Page):
    items: list[EventOut]


class EventFilter(Paging):
    client: Text = Field("", max_length=100)
    object: Text = Field("", max_length=120, description="as in acme/blog")
    what: Text = Field("", max_length=60, description="as in site.closed")


@router.get("", response=EventPage, summary="List what was done, the newest first")
def list_events(request: HttpRequest, paging: Query[EventFilter]) -> dict[str, Any]:
    actor: Actor = request.auth
    rows = Event.objects.all() if actor.is_operator else _of_client(actor)
    for name in ("client", "object", "what"):
        value = getattr(paging, name)
        if value:
            rows = rows.filter(**{name: value})
    return page(rows, paging, _shape, search=("object", "what", "who"), sorts={"at": ("-id",)})


def _of_client(actor: Actor) -> QuerySet[Event]:
    """Lines keep names, and a removed client's name is free again: what was before this client is somebody else's."""
    client = actor.sees(Client).first()
    return Event.objects.filter(client=client.name, at__gte=client.created_at) if client else Event.objects.none()


def _shape(event: Event) -> dict[str, Any]:
    return {
        "id": event.pk,
        "at": event.at,
        "who": event.who,
        "what": event.what,
        "client": event.client,
        "object": event.object,
        "detail": event.detail,
    }
