"""An export on its way from the site's own command to the caller: through memory, never through a file of ours."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from django.conf import settings

from webstreet.contract.jobs import Failure, read_line
from webstreet.control.clients.access import Actor
from webstreet.control.journal.models import note
from webstreet.control.orchestrators.base import SiteState
from webstreet.control.places.orchestrators import orchestrator_for
from webstreet.control.sites import errors
from webstreet.control.sites.models import Site

GZIP = b"\x1f\x8b"
FAILURE_MAX_BYTES = 64 * 1024
EXPORTERS = threading.BoundedSemaphore(1)
"""An export holds one of the few threads of the web process."""


class Archive:
    """What is answered to whoever asks for an export: bytes to stream, and the headers that go with them.

    It has a place among `EXPORTERS`, which it gives back once: at its end, or when it is closed without having been read.
    """

    media_type = "application/gzip"

    def __init__(self, site: Site, actor: Actor) -> None:
        """Raises what `exported` raises, and:

        ExportBusy: another one is being made.
        """
        if not EXPORTERS.acquire(blocking=False):
            raise errors.ExportBusy("Another export is being made. Try again when it is done.")
        self._held = True
        try:
            self._chunks = exported(site, actor)
        except BaseException:
            self._give_back()
            raise
        self.headers = {"Content-Disposition": f'attachment; filename="{site.client.name}-{site.name}.tar.gz"'}

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._chunks
        finally:
            self.close()

    def close(self) -> None:
        close = getattr(self._chunks, "close", None)
        if close:
            close()
        self._give_back()

    def _give_back(self) -> None:
        if self._held:
            self._held = False
            EXPORTERS.release()


def exported(site: Site, actor: Actor) -> Iterator[bytes]:
    """The archive's bytes. What the client keeps on a server of its own goes to the client's own people only.

    Raises:
        SiteNotRunning: it does not run. ExportFailed, or the site's own error: it did not begin to write.
    """
    if site.seen_state != SiteState.RUNNING:
        raise errors.SiteNotRunning(
            f"{site} does not run, and only a site that runs can be exported. Look at: webstreet site status {site}"
        )
    residency = site.manifest().residency
    left_out = [atom for atom, where in residency.items() if where == "client"] if actor.is_operator else []
    command = ["export", "-", *(f"--leave-out={atom}" for atom in left_out)]
    chunks = orchestrator_for(site.cluster).stream(site.site_id, command, timeout_s=settings.MAX_IMPORT_S)
    first = next(chunks, b"")
    if not first.startswith(GZIP):
        raise _failure(first, chunks)
    note(actor.name, "site.exported", client=site.client.name, object=str(site), left_out=left_out)
    return _joined(first, chunks)


def _joined(first: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from chunks


def _failure(first: bytes, chunks: Iterator[bytes]) -> errors.ExportFailed:
    text = first
    for chunk in chunks:
        text += chunk
        if len(text) > FAILURE_MAX_BYTES:
            break
    lines = text[:FAILURE_MAX_BYTES].decode("utf-8", "replace").splitlines()
    said = next((found for line in reversed(lines) if isinstance(found := read_line(line), Failure)), None)
    if said is not None:
        return errors.ExportFailed(said.message, code=said.code)
    return errors.ExportFailed("The site wrote no export. Its log says why.")
