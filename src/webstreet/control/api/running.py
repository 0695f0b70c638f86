"""/sites/{client}/{site}/login-links, logs, rendered: what the orchestrator is asked for."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator
from typing import Any

import yaml
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import Query, Router, Schema, Status
from pydantic import ConfigDict, Field

from webstreet.control.api.sites import to_change
from webstreet.control.clients.access import Actor
from webstreet.control.places.orchestrators import orchestrator_for
from webstreet.control.sites import actions, errors
from webstreet.control.sites.editors import editor_link
from webstreet.control.sites.rendering import rendered

router = Router(tags=["sites"])
FOLLOWERS = threading.BoundedSemaphore(2)
"""Following a log holds one of the few threads of the web process."""
LONGEST_FOLLOW_S = 3600
TEXT_ANSWER: dict[str, Any] = {
    "responses": {200: {"description": "OK", "content": {"text/plain": {"schema": {"type": "string"}}}}}
}
YAML_ANSWER: dict[str, Any] = {
    "responses": {200: {"description": "OK", "content": {"text/yaml": {"schema": {"type": "string"}}}}}
}


class WantedLink(Schema):
    model_config = ConfigDict(extra="forbid")
    email: str = Field("", max_length=254, description="the editor to log in; the site's first editor if empty")
    next: str = Field("", max_length=500, description="path on the site to land on")
    create: bool = Field(False, description="make an editor with every right if none has this address")
    reset_second_factor: bool = Field(
        False, description="the editor lost it: remove app, passkeys and recovery codes, end all sessions"
    )


class LinkOut(Schema):
    url: str
    expires_at: dt.datetime


class LogQuery(Schema):
    process: str = Field(
        "",
        max_length=40,
        pattern=r"^[a-z0-9-]*$",
        description="prepare, supervisor, web or worker; empty: the newest lines of all, without prepare's progress",
    )
    lines: int = Field(200, ge=0, le=10_000)
    follow: bool = False


@router.post("/{client}/{site}/login-links", response={201: LinkOut}, summary="A one-time link into the site's admin")
def make_link(request: HttpRequest, client: str, site: str, data: WantedLink | None = None) -> Any:
    actor: Actor = request.auth
    found = to_change(request, client, site)
    wanted = data or WantedLink(email="", next="", create=False, reset_second_factor=False)
    url, expires_at = editor_link(
        found,
        email=wanted.email,
        next=wanted.next,
        create=wanted.create,
        reset=wanted.reset_second_factor,
        by=actor.name,
    )
    return Status(201, {"url": url, "expires_at": expires_at})


@router.get("/{client}/{site}/logs", openapi_extra=TEXT_ANSWER, summary="The last lines of a site's logs")
def show_logs(
    request: HttpRequest, client: str, site: str, query: Query[LogQuery]
) -> HttpResponse | StreamingHttpResponse:
    found = actions.find_site(request.auth, client, site)
    orchestrator = orchestrator_for(found.cluster)
    if not query.follow:
        lines = orchestrator.logs(found.site_id, process=query.process, lines=query.lines)
        return HttpResponse("".join(f"{line}\n" for line in lines), content_type="text/plain; charset=utf-8")
    if not FOLLOWERS.acquire(blocking=False):
        raise errors.TooManyFollowers("As many logs as possible are being followed. Close one, or read without follow.")
    try:
        lines = orchestrator.logs(found.site_id, process=query.process, lines=query.lines, follow=True)
    except BaseException:
        FOLLOWERS.release()
        raise
    return StreamingHttpResponse(_Followed(lines), content_type="text/plain; charset=utf-8")


class _Followed:
    """The lines of a followed log as bytes. Gives its place among the followers back once, also if it was never read."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._held = True
        self._until = time.monotonic() + LONGEST_FOLLOW_S

    def __iter__(self) -> Iterator[bytes]:
        try:
            for line in self._lines:
                # Nothing is sent for "", but the server notices that the reader has gone.
                yield f"{line}\n".encode() if line else b""
                if time.monotonic() > self._until:
                    return
        finally:
            self.close()

    def close(self) -> None:
        if self._held:
            self._held = False
            FOLLOWERS.release()
        close = getattr(self._lines, "close", None)
        if close:
            close()


@router.get(
    "/{client}/{site}/rendered", openapi_extra=YAML_ANSWER, summary="site.yaml, the wish and what is seen, as YAML"
)
def show_rendered(request: HttpRequest, client: str, site: str) -> HttpResponse:
    found = actions.find_site(request.auth, client, site)
    text = yaml.safe_dump_all(rendered(found), sort_keys=False, allow_unicode=True, explicit_start=True, width=100)
    return HttpResponse(text, content_type="text/yaml; charset=utf-8")
