"""/sites/{client}/{site}/export: everything a site holds, streamed straight to the caller."""

from __future__ import annotations

from django.http import HttpRequest, StreamingHttpResponse
from ninja import Router

from webstreet.control.api.sites import to_change
from webstreet.control.sites.exporting import Archive

router = Router(tags=["exports"])
ARCHIVE_ANSWER = {
    "responses": {
        200: {"description": "OK", "content": {"application/gzip": {"schema": {"type": "string", "format": "binary"}}}}
    }
}


@router.get("/{client}/{site}/export", openapi_extra=ARCHIVE_ANSWER, summary="Everything a site holds, as one archive")
def export_site(request: HttpRequest, client: str, site: str) -> StreamingHttpResponse:
    """Nothing of it is kept here. An archive that was cut off lacks its last member, ``checksums.json``."""
    archive = Archive(to_change(request, client, site), request.auth)
    return StreamingHttpResponse(archive, content_type=archive.media_type, headers=archive.headers)
