"""/sites/{client}/{site}/imports: a file is streamed into the spool, and imported by the reconcile process."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja import Query, Router, Schema, Status
from pydantic import Field

from webstreet.contract.jobs import SOURCES
from webstreet.control.api.pages import Page, Paging, page
from webstreet.control.api.sites import to_change
from webstreet.control.clients.access import Actor
from webstreet.control.sites import actions, errors, uploads
from webstreet.control.sites.imports import Import
from webstreet.control.sites.models import Site

router = Router(tags=["imports"])
RAW_BODY = {
    "requestBody": {
        "required": True,
        "description": "the file itself",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class Accepted(Schema):
    id: uuid.UUID


class ProgressOut(Schema):
    step: str
    done: int
    total: int = Field(description="0 while unknown")


class ImportOut(Schema):
    id: uuid.UUID
    source: str
    options: dict[str, Any]
    state: str = Field(description="waiting, running, done or failed")
    size_bytes: int
    created_at: dt.datetime
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    progress: ProgressOut | None
    report: dict[str, Any] | None
    failure: dict[str, Any] | None


class ImportPage(Page):
    items: list[ImportOut]


def _shape(job: Import) -> dict[str, Any]:
    return {
        "id": job.id,
        "source": job.source,
        "options": job.options or {},
        "state": job.state.value,
        "size_bytes": job.size_bytes,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "progress": job.progress or None,
        "report": job.report,
        "failure": job.failure,
    }


class ImportQuery(Schema):
    source: str = Field(description=", ".join(SOURCES))
    map: list[str] = Field([], description="csv: FIELD=COLUMN, may be repeated")
    dry_run: bool = Field(False, description="csv: count, and change nothing")
    fetch_remote: bool = Field(False, description="wordpress: fetch files that are missing from the old site")


@router.post("/{client}/{site}/imports", response={202: Accepted}, openapi_extra=RAW_BODY, summary="Import a file")
def start_import(request: HttpRequest, client: str, site: str, query: Query[ImportQuery]) -> Any:
    actor: Actor = request.auth
    found = to_change(request, client, site)
    source = query.source
    uploads.check_source(source)
    options = uploads.checked_options(source, map=query.map, dry_run=query.dry_run, fetch_remote=query.fetch_remote)
    announced = int(request.META.get("CONTENT_LENGTH") or 0)
    body = uploads.Body(_chunks(request), announced, settings.MAX_IMPORT_BYTES)
    job = uploads.take(found, source=source, body=body, spool=settings.STATE.spool, by=actor.name, options=options)
    return Status(202, {"id": job.id})


def _chunks(request: HttpRequest) -> Iterator[bytes]:
    """The raw body, never whole in memory. Django reads nothing of a body without a length, so there we read ourselves."""
    if request.META.get("CONTENT_LENGTH") or "chunked" not in request.META.get("HTTP_TRANSFER_ENCODING", ""):
        stream: Any = request
    else:
        stream = request.environ["wsgi.input"]
    while chunk := stream.read(uploads.CHUNK_BYTES):
        yield chunk


@router.get("/{client}/{site}/imports", response=ImportPage, summary="List imports, the newest first")
def list_imports(request: HttpRequest, client: str, site: str, paging: Query[Paging]) -> dict[str, Any]:
    actor: Actor = request.auth
    found = actions.find_site(actor, client, site)
    rows = actor.sees(Import).filter(site=found)
    return page(rows, paging, _shape, search=("source",), sorts={"created_at": ("-created_at",)})


@router.get("/{client}/{site}/imports/{id}", response=ImportOut, summary="Show an import: its progress or its report")
def show_import(request: HttpRequest, client: str, site: str, id: uuid.UUID) -> dict[str, Any]:
    actor: Actor = request.auth
    found = actions.find_site(actor, client, site)
    return _shape(_found(actor, found, id))


@router.post("/{client}/{site}/imports/{id}/cancel", response={202: Accepted}, summary="Cancel an import")
def cancel_import(request: HttpRequest, client: str, site: str, id: uuid.UUID) -> Any:
    actor: Actor = request.auth
    found = to_change(request, client, site)
    uploads.cancel(_found(actor, found, id), by=actor.name)
    return Status(202, {"id": id})


def _found(actor: Actor, site: Site, number: uuid.UUID) -> Import:
    job = actor.sees(Import).filter(site=site, pk=number).first()
    if job is None:
        raise errors.ImportMissing(f"The site {site} has no import {number}.")
    return job
