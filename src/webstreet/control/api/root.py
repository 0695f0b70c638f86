"""The API itself: its resources, its health, and its description (OpenAPI 3.1)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from ninja import NinjaAPI, Router, Schema, Status
from ninja.openapi.docs import Swagger
from ninja.openapi.schema import OpenAPISchema
from pydantic import ConfigDict, Field

from webstreet import __version__
from webstreet.control.api import catalogue, clients, dictionary, exports, imports, journal, problems, running, sites
from webstreet.control.api.auth import Bearer
from webstreet.control.clients import actions
from webstreet.control.clients.access import Actor
from webstreet.control.places.models import Cluster

DESCRIPTION = """Everything that the console and the command line do, they do through these addresses and the same actions behind them.

Send your key as `Authorization: Bearer KEY`. The operator's first key is in `operator.key` of the state folder.
Every error is a problem document (RFC 9457) with a stable `code`; lists are `{"items": [...], "total": n}`."""

PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "problems"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "what happened and what to do next"},
        "code": {"type": "string", "description": "stable, noun.fact", "examples": ["domain.taken"]},
        "problems": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {name: {"type": "string"} for name in ("path", "rule", "suggestion")},
            },
        },
    },
}


class Described(NinjaAPI):
    """A NinjaAPI whose description says how every operation fails."""

    def get_openapi_schema(self, **kwargs: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**kwargs)
        schema["components"].setdefault("schemas", {})["Problem"] = PROBLEM
        failed = {"$ref": "#/components/schemas/Problem"}
        for methods in schema["paths"].values():
            for operation in methods.values():
                operation["responses"].setdefault(
                    "default", {"description": "Any error", "content": {problems.MEDIA_TYPE: {"schema": failed}}}
                )
        return schema


class BrowsablePage(Swagger):
    """The browsable page, its script and style served from here."""

    default_settings = Swagger.default_settings | {"persistAuthorization": False, "tryItOutEnabled": False}


api = Described(
    title="Webstreet",
    version=__version__,
    description=DESCRIPTION,
    urls_namespace="api",
    auth=Bearer(),
    docs=BrowsablePage(),
    docs_url="/docs",
    openapi_url="/openapi.json",
)
problems.install(api)
links = Router(tags=["console"])


class ClusterHealth(Schema):
    name: str
    seen_at: dt.datetime | None
    note: str


class Health(Schema):
    status: str = Field(description="ok, or stale when a cluster has not been observed for two minutes")
    version: str
    clusters: list[ClusterHealth]


@api.get("/health", auth=None, tags=["health"], response=Health, summary="Whether the control plane works")
def health(request: HttpRequest) -> dict[str, Any]:
    now = dt.datetime.now(dt.UTC)
    clusters = list(Cluster.objects.order_by("name"))
    return {
        "status": "ok" if all(cluster.is_seen(now) for cluster in clusters) else "stale",
        "version": __version__,
        "clusters": [{"name": c.name, "seen_at": c.seen_at, "note": c.seen_note} for c in clusters],
    }


class WantedConsoleLink(Schema):
    model_config = ConfigDict(extra="forbid")
    next: str = Field("", max_length=500, description="path of the console to land on")
    reset_second_factor: bool = Field(
        False, description="it is lost: remove app, passkeys and recovery codes, end all sessions"
    )


@links.post("", response={201: running.LinkOut}, summary="A one-time link into the console")
def make_console_link(request: HttpRequest, data: WantedConsoleLink | None = None) -> Any:
    actor: Actor = request.auth
    actor.require_operator()
    wanted = data or WantedConsoleLink(next="", reset_second_factor=False)
    link, text = actions.make_login_link(by=actor.name, next=wanted.next, reset=wanted.reset_second_factor)
    url = request.build_absolute_uri(reverse("login-link", args=[text.reveal()]))
    return Status(201, {"url": url, "expires_at": link.expires_at})


api.add_router("/clients", clients.router)
api.add_router("/keys", clients.keys)
api.add_router("/sites", sites.router)
api.add_router("/sites", imports.router)
api.add_router("/sites", exports.router)
api.add_router("/sites", running.router)
api.add_router("/sites", dictionary.of_site)
api.add_router("/dictionary", dictionary.router)
api.add_router("/atoms", catalogue.atoms)
api.add_router("/templates", catalogue.templates)
api.add_router("/events", journal.router)
api.add_router("/login-links", links)
