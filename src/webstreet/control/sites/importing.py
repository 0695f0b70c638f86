"""Carrying out imports: several at once, of each client one, in the process that holds the state folder's lock.

Whose turn it is: the client whose last import began longest ago, or who had none; of a client's imports the oldest.
A kill at any moment is safe: the engine's import can be repeated, so what was not finished is started again; a file without an
unfinished import is removed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import close_old_connections
from django.db.models import F, OuterRef, Subquery

from webstreet.contract.jobs import Failure, ImportReport, Progress, read_line
from webstreet.control.journal.models import note
from webstreet.control.orchestrators.base import CommandTooLong, Orchestrator, SiteState
from webstreet.control.sites.imports import Import
from webstreet.kernel.errors import WebstreetError

log = logging.getLogger(__name__)
LOOK_EVERY_S = 0.5
WRITE_PROGRESS_EVERY_S = 0.5
MOST_ATTEMPTS = 5
ORPHAN_AGE_S = 3600
UPLOADING = ".part"
"""Ending of a file that is still being uploaded."""


class Importer:
    """Works off the waiting imports of sites that run."""

    def __init__(self, spool: Path, orchestrator: Orchestrator) -> None:
        self._spool = spool
        self._orchestrator = orchestrator
        self._stop = threading.Event()
        self._busy: set[int] = set()
        self._unknown: set[Path] = set()
        self._lock = threading.Lock()

    def run_forever(self, stop: threading.Event) -> None:
        self._stop = stop
        self.sweep(older_than_s=0)  # nobody uploads yet: the web process has only just started
        others = [
            threading.Thread(target=self._work, name=f"imports-{number}", daemon=True)
            for number in range(2, settings.IMPORTS_AT_ONCE + 1)
        ]
        for thread in others:
            thread.start()
        self._work(sweeping=True)

    def _work(self, *, sweeping: bool = False) -> None:
        while not self._stop.is_set():
            try:
                close_old_connections()
                busy = self.once()
                if sweeping:
                    self.sweep()
            except Exception:
                log.exception("imports: a pass failed, next one soon")
                busy = False
            if not busy:
                self._stop.wait(LOOK_EVERY_S)

    def once(self) -> bool:
        """Carry out the import whose turn it is; whether there was one."""
        job = self._take()
        if job is None:
            return False
        try:
            self._carry_out(job)
        finally:
            with self._lock:
                self._busy.discard(job.site.client_id)
        return True

    def _take(self) -> Import | None:
        """The next import, whose client gets no second one until it has ended. Only this process carries out imports."""
        began = Import.objects.filter(site__client=OuterRef("site__client"), started_at__isnull=False)
        last = began.order_by("-started_at").values("started_at")[:1]
        waiting = Import.objects.filter(finished_at=None, site__closed_at=None, site__seen_state=SiteState.RUNNING)
        in_turn = waiting.annotate(last=Subquery(last)).order_by(F("last").asc(nulls_first=True), "created_at")
        with self._lock:
            job = in_turn.exclude(site__client__in=self._busy).select_related("site__client").first()
            if job is not None:
                self._busy.add(job.site.client_id)
        return job

    def sweep(self, *, older_than_s: float = ORPHAN_AGE_S) -> None:
        """Remove files that no unfinished import needs: uploads that were cut off, what a kill left behind.

        A file gets its name a moment before its import is committed, so that what nobody needs is looked at twice; with 0 nothing is
        being uploaded.
        """
        found = list(self._spool.iterdir())
        needed = set(Import.objects.filter(finished_at=None).values_list("spool_name", flat=True))
        unknown = {path for path in found if path.name not in needed}
        for path in unknown:
            try:
                age_s = time.time() - path.stat().st_mtime
            except FileNotFoundError:
                continue
            if age_s >= older_than_s if path.suffix == UPLOADING else path in self._unknown or not older_than_s:
                path.unlink(missing_ok=True)
        self._unknown = unknown

    def _carry_out(self, job: Import) -> None:
        file = self._spool / job.spool_name
        if job.attempts >= MOST_ATTEMPTS:
            self._fail(
                job, "import.abandoned", f"The import was cut off {job.attempts} times and is given up. Start it again."
            )
            return
        if not job.spool_name or not file.exists():
            self._fail(job, "import.file_missing", "The uploaded file is no longer there. Upload it again.")
            return
        if job.is_cancelled:
            self._fail(job, "import.cancelled", "The import was cancelled before it began. Nothing was changed.")
            return
        job.start()
        lines = _Lines(job)
        try:
            command = ["import", "--from", job.source, *arguments(job.options or {}), str(file)]
            result = self._orchestrator.run(
                job.site.site_id, command, files=[file], on_line=lines.take, timeout_s=settings.MAX_IMPORT_S
            )
        except Cancelled as error:
            self._fail(job, error.error_code, error.message)
            return
        except CommandTooLong as error:
            self._fail(
                job, "import.too_long", f"{error.message} Send the file in parts, or ask your hoster for more time."
            )
            return
        except WebstreetError as error:
            if error.retry and job.attempts < MOST_ATTEMPTS:
                log.warning("import %s: %s; tried again", job.pk, error)
                self._stop.wait(LOOK_EVERY_S)
                return
            self._fail(job, error.error_code, error.message)
            return
        if lines.failure is not None:
            self._fail(job, lines.failure.code, lines.failure.message, lines.failure.problems)
        elif result.exit_code != 0 or lines.report is None:
            self._fail(
                job,
                "import.crashed",
                f"The import ended with code {result.exit_code} and no report. The site's log says why.",
            )
        else:
            job.end(self._spool, report=lines.report.model_dump(mode="json"))
            note(
                "control", "import.done", client=job.site.client.name, object=str(job.site), id=str(job.pk),
                created=lines.report.created, rejected=len(lines.report.rejected),
            )  # fmt: skip

    def _fail(self, job: Import, code: str, message: str, problems: list[dict[str, str]] | None = None) -> None:
        job.end(self._spool, failure={"code": code, "message": message, "problems": problems or []})
        note("control", "import.failed", client=job.site.client.name, object=str(job.site), id=str(job.pk), code=code)


class Cancelled(WebstreetError):
    """Somebody asked for the end of an import that runs."""

    code = "import.cancelled"
    status = 409


def arguments(options: Mapping[str, Any]) -> list[str]:
    """The options of an import as the engine's command takes them."""
    flags = [f"--{name.replace('_', '-')}" for name in ("dry_run", "fetch_remote") if options.get(name)]
    # One word each: a value that begins with a dash must not become an option.
    if options.get("fetch_remote"):
        flags += [
            f"--fetch-files={settings.MAX_FETCH_FILES}",
            f"--fetch-mb={settings.MAX_FETCH_MB}",
            f"--fetch-minutes={settings.MAX_FETCH_MINUTES}",
        ]
    return [*(f"--map={pair}" for pair in options.get("map", ())), *flags]


class _Lines:
    """Reads what the engine prints: progress as it comes, then a report or a failure."""

    def __init__(self, job: Import) -> None:
        self._job = job
        self._written = 0.0
        self._looked = 0.0
        self.report: ImportReport | None = None
        self.failure: Failure | None = None

    def take(self, line: str) -> None:
        found = read_line(line)
        if isinstance(found, ImportReport):
            self.report = found
        elif isinstance(found, Failure):
            self.failure = found
        elif isinstance(found, Progress):
            self._progress(found)
        else:
            log.warning("import %s: a line of the engine could not be read", self._job.pk)

    def _progress(self, found: Progress) -> None:
        if time.monotonic() - self._looked >= WRITE_PROGRESS_EVERY_S:
            self._looked = time.monotonic()
            if self._job.is_cancelled:
                # Raised through the orchestrator, which ends the command.
                raise Cancelled(
                    "The import was cancelled. What it had finished stays; the same file can be sent again."
                )
        if time.monotonic() - self._written >= WRITE_PROGRESS_EVERY_S or (found.total and found.done >= found.total):
            self._job.at(found.step, found.done, found.total)
            self._written = time.monotonic()
