"""/sites/{client}/{site}/export: everything a site holds, streamed straight to the caller."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from django.http import HttpRequest, StreamingHttpResponse
from ninja import Router

from webstreet.control.api.sites import to_change
from webstreet.control.clients.access import Actor
from webstreet.control.sites import errors
from webstreet.control.sites.exporting import exported

router = Router(tags=["exports"])
EXPORTERS = threading.BoundedSemaphore(1)
"""An export holds one of the few threads of the web process."""
ARCHIVE_ANSWER = {
    "responses": {
        200: {"description": "OK", "content": {"application/gzip": {"schema": {"type": "string", "format": "binary"}}}}
    }
}


@router.get("/{client}/{site}/export", openapi_extra=ARCHIVE_ANSWER, summary="Everything a site holds, as one archive")
def export_site(request: HttpRequest, client: str, site: str) -> StreamingHttpResponse:
    """Nothing of it is kept here. An archive that was cut off lacks its last member, ``checksums.json``."""
    actor: Actor = request.auth
    found = to_change(request, client, site)
    if not EXPORTERS.acquire(blocking=False):
        raise errors.ExportBusy("Another export is being made. Try again when it is done.")
    try:
        chunks = exported(found, actor)
    except BaseException:
        EXPORTERS.release()
        raise
    answer = StreamingHttpResponse(_Held(chunks), content_type="application/gzip")
    answer["Content-Disposition"] = f'attachment; filename="{found.client.name}-{found.name}.tar.gz"'
    return answer


class _Held:
    """The archive. Gives its place back once, also if it was never read."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._held = True

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._chunks
        finally:
            self.close()

    def close(self) -> None:
        close = getattr(self._chunks, "close", None)
        if close:
            close()
        if self._held:
            self._held = False
            EXPORTERS.release()
