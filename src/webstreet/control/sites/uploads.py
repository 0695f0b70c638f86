"""Taking a file in: streamed into a 0600 file of the spool, then noted as an `Import`; both or neither."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction

from webstreet.contract.base import closest
from webstreet.contract.jobs import OPTIONS, SOURCES, WITH_PEOPLE
from webstreet.control.journal.models import note
from webstreet.control.sites import errors
from webstreet.control.sites.importing import UPLOADING
from webstreet.control.sites.imports import Import
from webstreet.control.sites.models import Site
from webstreet.control.state import open_private

MOST_UNFINISHED = 2
"""Imports of one site that wait or run."""
CHUNK_BYTES = 256 * 1024
MAPS_MAX, MAP_MAX = 20, 200
NEWSLETTER = "newsletter"


@dataclass(frozen=True, slots=True)
class Body:
    """What is being sent. ``announced_bytes`` is 0 if the sender did not say."""

    chunks: Iterator[bytes]
    announced_bytes: int
    most_bytes: int


def check_source(source: str) -> None:
    if source not in SOURCES:
        hint = closest(source, SOURCES) or f"There are: {', '.join(SOURCES)}."
        raise errors.ImportSourceUnknown(f'Nothing here can import from "{source[:60]}". {hint}')


def checked_options(source: str, **given: Any) -> dict[str, Any]:
    """The options that were given, for this source.

    Raises:
        ImportOptionWrong: the source has no such option, or it is not written as it must be.
    """
    options = {name: value for name, value in given.items() if value}
    for name in options:
        if source not in OPTIONS[name]:
            word = name.replace("_", "-")
            raise errors.ImportOptionWrong(
                f"--{word} is of imports from {', '.join(OPTIONS[name])}, not from {source}."
            )
    pairs = options.get("map", [])
    if len(pairs) > MAPS_MAX or any("=" not in pair or len(pair) > MAP_MAX or "\0" in pair for pair in pairs):
        raise errors.ImportOptionWrong("--map is written as FIELD=COLUMN, as in --map email=E-Mail.")
    return options


def refuse_residents(site: Site, source: str) -> None:
    """A file with subscribers is not kept by the hoster, not even for a while, where the client keeps the newsletter.

    Raises:
        ImportResidency.
    """
    if source in WITH_PEOPLE and site.manifest().lives_at(NEWSLETTER) == "client":
        raise errors.ImportResidency(
            f"{site} keeps its newsletter at the client, and this file may hold subscribers, which would lie at the hoster while it is"
            " imported. Run the site's own command where the client's data live: python -m webstreet.engine import"
        )


def take(site: Site, *, source: str, body: Body, spool: Path, by: str, options: dict[str, Any] | None = None) -> Import:
    """Receive the file and queue its import.

    Raises:
        ImportsTooMany, ImportTooLarge, ImportEmpty, UploadIncomplete. Nothing of the file is left then.
    """
    if site.wanted_closing:
        raise errors.SiteClosing(f"{site} is being closed; nothing can be imported any more.")
    refuse_residents(site, source)
    _check_room(site)
    job_id = uuid.uuid4()
    part = spool / f"{job_id}{UPLOADING}"
    try:
        size_bytes = _receive(body, part)
        with transaction.atomic():
            # Asked again with the row held: of two uploads at once only one may be the last.
            _check_room(Site.objects.select_for_update(of=("self",)).get(pk=site.pk))
            job = Import.objects.create(
                id=job_id,
                site=site,
                source=source,
                options=options or {},
                spool_name=job_id.hex,
                size_bytes=size_bytes,
                created_by=by,
            )
            note(by, "import.asked", client=site.client.name, object=str(site), id=str(job_id), size_bytes=size_bytes)
            # Inside the transaction: if it is not committed the sweep finds a file that nobody needs, never a job without its file.
            part.rename(spool / job.spool_name)
    finally:
        part.unlink(missing_ok=True)
    return job


def cancel(job: Import, *, by: str) -> None:
    """Ask for its end, whether it waits or runs. What it had finished stays.

    Raises:
        ImportFinished.
    """
    if not job.cancel():
        raise errors.ImportFinished(f"The import {job.pk} has ended: there is nothing to cancel.")
    note(by, "import.cancelled", client=job.site.client.name, object=str(job.site), id=str(job.pk))


def _check_room(site: Site) -> None:
    """All sites share one importer: none may fill it."""
    if site.imports.filter(finished_at=None).count() >= MOST_UNFINISHED:
        raise errors.ImportsTooMany(
            f"{site} has {MOST_UNFINISHED} imports that are not finished. Wait until one of them is, then send the file again."
        )


def _receive(body: Body, part: Path) -> int:
    if body.announced_bytes > body.most_bytes:
        raise _too_large(body)
    received = 0
    with open_private(part, "wb") as file:
        try:
            for chunk in body.chunks:
                received += len(chunk)
                if received > body.most_bytes:
                    raise _too_large(body)
                file.write(chunk)
        except OSError as error:
            raise errors.UploadIncomplete(
                f"The upload was cut off after {received} bytes. Send the file again."
            ) from error
    if received < body.announced_bytes:
        raise errors.UploadIncomplete(
            f"The upload ended after {received} of {body.announced_bytes} bytes. Send the file again."
        )
    if not received:
        raise errors.ImportEmpty("The request had no body. Send the file as the body of the request.")
    return received


def _too_large(body: Body) -> errors.ImportTooLarge:
    most_mb = body.most_bytes // (1024 * 1024)
    return errors.ImportTooLarge(f"The file is too large: at most {most_mb} MB are taken (WEBSTREET_MAX_IMPORT_MB).")
