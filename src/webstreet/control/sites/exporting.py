"""An export on its way from the site's own command to the caller: through memory, never through a file of ours."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator

from django.conf import settings

from webstreet.contract.jobs import Failure, read_line
from webstreet.control.clients.access import Actor
from webstreet.control.journal.models import note
from webstreet.control.orchestrators.base import SiteState
from webstreet.control.places.orchestrators import orchestrator_for
from webstreet.control.sites import errors
from webstreet.control.sites.models import Site

log = logging.getLogger(__name__)
GZIP = b"\x1f\x8b"
FAILURE_MAX_BYTES = 64 * 1024
UNREAD_S = 60.0
"""Whoever takes nothing of an export for so long has gone, or sleeps: it is ended."""
SLOWEST_BYTES_S = 50_000
"""Whoever takes less, all in all, keeps a place from others: it is ended once it has waited for its reader `UNREAD_S` longer."""
LOOK_EVERY_S = 1.0


class Places:
    """Who gets an export now: each client one, and few in all, as an export holds a process and one of the web process's few threads."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._clients: set[int] = set()
        self._lock = threading.Lock()

    def take(self, client: int) -> None:
        """Raises:
        ExportBusy: the client has its place already, or all are taken.
        """
        with self._lock:
            if client in self._clients:
                raise errors.ExportBusy("Another export of this client is being made. Try again when it is done.")
            if len(self._clients) >= self._total:
                raise errors.ExportBusy("As many exports as can be made at once are being made. Try again soon.")
            self._clients.add(client)

    def give_back(self, client: int) -> None:
        with self._lock:
            self._clients.discard(client)


PLACES = Places(total=2)


class Archive:
    """What is answered to whoever asks for an export: bytes to stream, and the headers that go with them.

    It has its client's place among `PLACES`, which it gives back once: at its end, when it is closed without having been read, or
    when nothing of it was taken for `UNREAD_S`, or so little that it would never end; then the site's command is ended too, and whoever
    asks for more gets an error.
    """

    media_type = "application/gzip"

    def __init__(self, site: Site, actor: Actor) -> None:
        """Raises what `exported` raises, and:

        ExportBusy: another one is being made.
        """
        self._client, self._site = site.client_id, str(site)
        PLACES.take(self._client)
        try:
            self._chunks = exported(site, actor)
        except BaseException:
            PLACES.give_back(self._client)
            raise
        self.headers = {"Content-Disposition": f'attachment; filename="{site.client.name}-{site.name}.tar.gz"'}
        self._lock = threading.RLock()
        self._ended = threading.Event()
        self._unread = False
        self._handed_at = time.monotonic()
        self._waited_s, self._given = 0.0, 0
        threading.Thread(target=self._watch, name="export", daemon=True).start()

    def __iter__(self) -> Iterator[bytes]:
        try:
            while chunk := self._next():
                yield chunk
        finally:
            self.close()

    def close(self) -> None:
        with self._lock:
            if self._ended.is_set():
                return
            self._ended.set()
            try:
                close = getattr(self._chunks, "close", None)
                if close:
                    close()
            finally:
                PLACES.give_back(self._client)

    def _next(self) -> bytes:
        """The lock is held while the site's command makes the chunk: only the time until it is asked for the next one counts."""
        with self._lock:
            if self._unread:
                raise errors.ExportFailed(
                    f"The export was ended: nothing of it was taken for {UNREAD_S:g} s, or less than {SLOWEST_BYTES_S // 1000} kB a second."
                    " Export once more, from nearer by.",
                    code="export.unread",
                )
            self._waited_s += time.monotonic() - self._handed_at
            chunk = b"" if self._ended.is_set() else next(self._chunks, b"")
            self._given += len(chunk)
            self._handed_at = time.monotonic()
            return chunk

    def _is_too_slow(self) -> bool:
        now_s = time.monotonic() - self._handed_at
        return now_s > UNREAD_S or self._waited_s + now_s > UNREAD_S + self._given / SLOWEST_BYTES_S

    def _watch(self) -> None:
        while not self._ended.wait(min(LOOK_EVERY_S, UNREAD_S)):
            with self._lock:
                if not self._ended.is_set() and self._is_too_slow():
                    self._unread = True
                    log.warning("the export of %s was ended: it was taken too slowly, or not at all", self._site)
                    self.close()


def left_out_for(site: Site, *, operator: bool) -> list[str]:
    """The atoms whose data an export does not hold: those that the client keeps on a server of its own, when an operator asks."""
    return [atom for atom, where in site.manifest().residency.items() if where == "client"] if operator else []


def exported(site: Site, actor: Actor) -> Iterator[bytes]:
    """The archive's bytes. What the client keeps on a server of its own goes to the client's own people only.

    Raises:
        SiteNotRunning: it does not run. ExportFailed, or the site's own error: it did not begin to write.
    """
    if site.seen_state != SiteState.RUNNING:
        raise errors.SiteNotRunning(
            f"{site} does not run, and only a site that runs can be exported. Look at: webstreet site status {site}"
        )
    left_out = left_out_for(site, operator=actor.is_operator)
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
