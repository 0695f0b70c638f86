"""The adapter: sites as local processes below one folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from webstreet.contract.jobs import Failure, read_line
from webstreet.contract.site import MANIFEST_NAME
from webstreet.control.orchestrators.base import (
    COMMAND_S,
    Apply,
    Backup,
    Capabilities,
    CommandResult,
    CommandTooLong,
    Orchestrator,
    OrchestratorError,
    Remove,
    SeenSite,
    SiteUnknown,
    Step,
)
from webstreet.control.orchestrators.processes import commands, sight, supervision, wish
from webstreet.control.orchestrators.processes.folder import (
    Folder,
    delete_tree,
    make_private,
    read_json,
    runs,
    write_bytes,
    write_json,
)
from webstreet.control.orchestrators.processes.release import read_wish
from webstreet.control.orchestrators.processes.wish import ENGINE, Programs
from webstreet.kernel.errors import BadInput
from webstreet.kernel.ids import SiteId, slug

SUB_STEPS: Mapping[type[Step], tuple[str, ...]] = {
    Apply: ("folders", "generation", "wish", "supervisor"),
    Backup: ("write", "keep"),
    Remove: ("mark", "stop", "data", "folder"),
}
"""Each step as a row of sub-steps, carried out in this order; every one can be repeated, and killed before and after."""


class FolderUnusable(OrchestratorError):
    """The orchestrator's folder cannot be read or written."""

    code = "orchestrator.folder_unusable"


class BackupFailed(OrchestratorError):
    """The site's own backup command failed; nothing of it was kept."""

    code = "orchestrator.backup_failed"


class ProcessesOrchestrator(Orchestrator):
    """Sites as processes of this user on this machine, below ``root``.

    Args:
        root: made if it is not there; sites in sites/CLIENT/SITE, backups in backups/CLIENT/SITE/LABEL.
        programs: what a site's processes are.
        on_sub_step: called with step, name ("apply.wish") and "before" or "after".
    """

    name = "processes"
    capabilities = Capabilities(isolates=False, replicas=False)

    def __init__(
        self,
        root: Path,
        programs: Programs = ENGINE,
        on_sub_step: Callable[[Step, str, str], None] | None = None,
    ) -> None:
        self.root = Path(os.path.realpath(root))
        self._programs = programs
        self._on_sub_step = on_sub_step or (lambda step, name, moment: None)

    # Seeing

    def observe(self) -> Mapping[SiteId, SeenSite]:
        with _translated(self.root):
            sites = list(self._sites())
            with ThreadPoolExecutor(16, thread_name_prefix="observe") as pool:
                found = pool.map(lambda site: sight.look(site, self._folder(site), self._backups(site)), sites)
                return dict(zip(sites, found, strict=True))

    def _sites(self) -> Iterator[SiteId]:
        for path in sorted((self.root / "sites").glob("*/*/")):
            with contextlib.suppress(BadInput):  # a folder somebody else put there is no site
                yield SiteId(slug(path.parent.name), slug(path.name))

    def _folder(self, site: SiteId) -> Folder:
        return Folder(self.root / "sites" / site.client / site.site)

    def _backups(self, site: SiteId) -> Path:
        return self.root / "backups" / site.client / site.site

    def _wanted(self, site: SiteId) -> dict[str, Any]:
        wanted = read_wish(self._folder(site))
        if not wanted or wanted.get("removing"):
            raise SiteUnknown(
                f"There is no site {site} here. Open it first, or look at the list of sites for its name."
            )
        return wanted

    # Doing

    def apply(self, step: Step) -> None:
        with _translated(self.root), self._alone(step.site):
            match step:
                case Apply():
                    self._apply(step)
                case Backup():
                    self._backup(step)
                case Remove():
                    self._remove(step)
                case _:
                    raise OrchestratorError(
                        f"Local processes cannot do the step {step.name}.", code="orchestrator.step_unknown"
                    )

    @contextlib.contextmanager
    def _alone(self, site: SiteId) -> Iterator[None]:
        """One step at a time for each site, whatever process or thread it comes from."""
        with self._locked(f"{site.client}--{site.site}"):
            yield

    @contextlib.contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        locks = self.root / "locks"
        make_private(locks)
        with (locks / name).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextlib.contextmanager
    def _part(self, step: Step, name: str) -> Iterator[None]:
        assert name in SUB_STEPS[type(step)], name  # noqa: S101 the table is what tests enumerate
        self._on_sub_step(step, f"{step.name}.{name}", "before")
        yield
        self._on_sub_step(step, f"{step.name}.{name}", "after")

    def _apply(self, step: Apply) -> None:
        folder, workload = self._folder(step.site), step.workload
        held = read_wish(folder)
        if held and held.get("removing"):
            self._remove(Remove(step.site))
            held = None
        wish.check(workload, held)
        with self._part(step, "folders"):
            wish.make_folders(folder)
        # Two new sites must not find the same free port: the second chooses when the first has written its own down.
        with contextlib.nullcontext() if held else self._locked(".ports"):
            port = held["port"] if held else wish.free_port(self.root / "sites")
            wanted = wish.document(workload, folder, port, self._programs)
            with self._part(step, "generation"):
                wish.write_generation(folder, workload, wanted)
            with self._part(step, "wish"):
                if held != wanted:
                    write_json(folder.wanted, wanted)
        with self._part(step, "supervisor"):
            if not supervision.wake(folder):
                supervision.start(folder, str(step.site))

    def _backup(self, step: Backup) -> None:
        folder, final = self._folder(step.site), self._backups(step.site) / slug(step.label, what="backup")
        if final.is_dir():
            return
        wanted = self._serving(step.site)
        making = final.with_name(f".{final.name}.{secrets.token_hex(4)}.new")
        with self._part(step, "write"):
            self._drop_unfinished(step.site)
            make_private(making)
            self._write_backup(step.site, folder, wanted, making)
        with self._part(step, "keep"):
            os.rename(making, final)

    def _write_backup(self, site: SiteId, folder: Folder, wanted: dict[str, Any], target: Path) -> None:
        write_bytes(target / MANIFEST_NAME, Path(wanted["environment"]["SITE_MANIFEST"]).read_bytes())
        if not (read_json(folder.seen) or {}).get("prepared"):
            write_bytes(target / "EMPTY.txt", b"This site never ran: there was nothing to back up but its manifest.\n")
            return
        try:
            done = commands.run(wanted, folder, ["backup", str(target)], None, COMMAND_S)
        except CommandTooLong as error:
            raise BackupFailed(f"The backup of {site} failed: {error.message} It is tried again.") from None
        if done.exit_code:
            raise BackupFailed(
                f"The backup of {site} failed: {_failure(done)} Nothing of it was kept; it is tried again.",
                detail=done.stderr[-2000:],
            )

    def _drop_unfinished(self, site: SiteId) -> None:
        for left in self._backups(site).glob(".*.new"):
            delete_tree(left)

    def _remove(self, step: Remove) -> None:
        folder = self._folder(step.site)
        if not folder.path.exists():
            return
        with self._part(step, "mark"):
            wanted = read_wish(folder)
            if wanted and not wanted.get("removing"):
                write_json(folder.wanted, wanted | {"removing": True})
        with self._part(step, "stop"):
            supervision.end(folder, str(step.site))
        with self._part(step, "data"):
            self._drop_unfinished(step.site)
            for path in (folder.generations, folder.data, folder.logs):
                delete_tree(path)
        with self._part(step, "folder"):
            delete_tree(folder.path)
            with contextlib.suppress(OSError):
                folder.path.parent.rmdir()  # the last site of this client

    def halt(self) -> None:
        """Stop everything that runs here and keep all of it; the next `Apply` of each site starts it again."""
        with _translated(self.root), ThreadPoolExecutor(16) as pool:
            for _ in pool.map(lambda site: supervision.end(self._folder(site), str(site)), list(self._sites())):
                pass

    # Commands and logs

    def _serving(self, site: SiteId) -> dict[str, Any]:
        """The wish whose processes serve now, or the one that will: a command must fit the database as it is."""
        folder, wanted = self._folder(site), self._wanted(site)
        seen = read_json(folder.seen)
        serving = seen.get("serving") if seen and runs(seen) else None
        return (folder.wish(serving) if isinstance(serving, int) else None) or wanted

    def run(
        self,
        site: SiteId,
        command: Sequence[str],
        *,
        files: Sequence[Path] = (),
        on_line: Callable[[str], None] | None = None,
        timeout_s: float = COMMAND_S,
    ) -> CommandResult:
        with _translated(self.root):
            wanted = self._serving(site)
            missing = [path for path in files if not os.access(path, os.R_OK)]
            if missing:
                raise FolderUnusable(
                    f"{missing[0]} cannot be read. Give the file once more.", code="orchestrator.file_missing"
                )
            return commands.run(wanted, self._folder(site), command, on_line, timeout_s)

    def stream(self, site: SiteId, command: Sequence[str], *, timeout_s: float = COMMAND_S) -> Iterator[bytes]:
        with _translated(self.root):
            wanted = self._serving(site)
            return commands.stream(wanted, self._folder(site), command, timeout_s)

    def logs(self, site: SiteId, *, process: str = "", lines: int = 200, follow: bool = False) -> Iterator[str]:
        with _translated(self.root):
            self._wanted(site)
            folder = self._folder(site)
            if process and not (folder.logs / f"{slug(process, what='process')}.log").exists():
                known = ", ".join(sorted(path.name.removesuffix(".log") for path in folder.logs.glob("*.log")))
                raise OrchestratorError(
                    f'{site} has no log of a process "{process}". There are: {known or "none yet"}.',
                    code="orchestrator.log_missing",
                )
        return commands.tail(folder, process, lines, follow)


@contextlib.contextmanager
def _translated(root: Path) -> Iterator[None]:
    """Errors of the file system become ours: full disk, missing rights, a file where a folder should be."""
    try:
        yield
    except OSError as error:
        raise FolderUnusable(
            f"{error.filename or root}: {error.strerror or 'it cannot be used'}."
            " Check the free space of the disk and who owns the folder; what was begun is tried again by itself.",
            detail=repr(error),
        ) from None


def _failure(done: CommandResult) -> str:
    """The last `contract.jobs.Failure` that a command printed, else its exit code."""
    for line in reversed(done.stdout.splitlines()):
        found = read_line(line)
        if isinstance(found, Failure):
            return f"{found.message} [{found.code}]."
    return f"its command ended with exit code {done.exit_code}."
