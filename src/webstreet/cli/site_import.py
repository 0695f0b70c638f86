"""Importing a file: streamed to the control plane in small pieces, then watched until the report is there."""

from __future__ import annotations

import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from webstreet.cli.api import ControlApi, Json
from webstreet.cli.errors import Answer, FileUnreadable, ImportUnknown, SiteSlow, UsageWrong
from webstreet.cli.output import ago, counted, say, show, show_json, table
from webstreet.cli.site_view import on_site
from webstreet.cli.steps import Steps
from webstreet.contract.base import closest
from webstreet.contract.jobs import OPTIONS, SOURCES
from webstreet.kernel.errors import Problem
from webstreet.kernel.ids import SiteId

CHUNK_BYTES = 256 * 1024
LOOK_EVERY_S = 0.3
REJECTED_SHOWN = 20
FOLDERS_FROM = "wordpress"
SIZES = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "bytes"))


def run(
    control: ControlApi,
    name: SiteId,
    source: str,
    file: Path | None,
    *,
    options: Mapping[str, object],
    wait: bool,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Upload ``file``; with ``wait`` follow the import and show its report. A folder is packed first: an export and its uploads."""
    check(source, options)
    if file is None:
        raise UsageWrong("Say which file to import. To look at imports: --list; to end one: --cancel ID")
    if not file.is_dir():
        _run(control, name, source, file, file.name, options, wait=wait, timeout_s=timeout_s, as_json=as_json)
        return
    if source != FOLDERS_FROM:
        raise FileUnreadable(f"{file} is a folder: imports from {source} take a file.")
    with tempfile.TemporaryDirectory(prefix="webstreet-import-") as folder:
        packed = Path(folder) / "import.tar.gz"
        pack(file, packed)
        _run(control, name, source, packed, file.name, options, wait=wait, timeout_s=timeout_s, as_json=as_json)


def show_list(control: ControlApi, name: SiteId, *, as_json: bool) -> None:
    """The imports of one site, the newest first."""
    found = on_site(control, name, lambda: control.items("sites", name.client, name.site, "imports"))
    if as_json:
        show_json({"items": found, "total": len(found)})
    elif found:
        rows = [(job["id"], job["source"], job["state"], ago(job["created_at"])) for job in found]
        show(table(("Import", "From", "State", "Asked for"), rows, firm=("Import",)))
    else:
        say(f"Nothing was imported into {name} yet.")


def cancel(control: ControlApi, name: SiteId, number: str, *, as_json: bool) -> None:
    """Ask for the end of an import that waits or runs."""
    path = ("sites", name.client, name.site, "imports", number, "cancel")
    answer = on_site(control, name, lambda: control.post(*path))
    if as_json:
        show_json(answer)
    else:
        say(f"The import {number} is being cancelled. What it had finished stays; the same file can be sent again.")


def check(source: str, options: Mapping[str, object]) -> None:
    """Say what is wrong before a large file is sent.

    Raises:
        ImportUnknown: no source, no such source, or an option that is not of this one.
    """
    known = "; ".join(f"{known} ({what})" for known, what in SOURCES.items())
    if not source:
        raise ImportUnknown(f"Say what wrote the file: --from SOURCE. There are: {known}.")
    if source not in SOURCES:
        raise ImportUnknown(f'Nothing can be imported from "{source}". {closest(source, SOURCES)} There are: {known}.')
    for option, given in options.items():
        if given and source not in OPTIONS[option]:
            word = option.replace("_", "-")
            raise ImportUnknown(f"--{word} is of imports from {', '.join(OPTIONS[option])}, not from {source}.")


def pack(folder: Path, target: Path) -> None:
    """The exports (.xml) and all files of ``uploads`` below a folder, as an archive; no link is followed."""
    exports = sorted(folder.glob("*.xml"))
    if len(exports) != 1:
        raise FileUnreadable(f"{folder} holds {len(exports)} files that end in .xml; one is needed: the export.")
    with tarfile.open(target, "w:gz", compresslevel=1) as archive:
        archive.add(exports[0], "export.xml", recursive=False)
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink() and path not in exports:
                archive.add(path, path.relative_to(folder).as_posix(), recursive=False)


def _run(
    control: ControlApi,
    name: SiteId,
    source: str,
    file: Path,
    called: str,
    options: Mapping[str, object],
    *,
    wait: bool,
    timeout_s: float,
    as_json: bool,
) -> None:
    size = _size(file)
    with Steps(f"Importing {called} into {name}", quiet=as_json) as steps:
        steps.now(f"Uploading {sized(size)}")
        content = pieces(file, lambda sent: steps.detail(f"{100 * sent // max(1, size)} %"))
        path = ("sites", name.client, name.site, "imports")
        job = on_site(
            control, name, lambda: control.send(*path, content=content, size_bytes=size, source=source, **options)
        )
        if wait:
            job = _follow(control, path, job["id"], steps, timeout_s)
    if as_json:
        show_json(job)
    elif wait:
        show_report(job["report"])
    else:
        say(f"The file is there; the import goes on as {job['id']}.")
        say(f"End it with: webstreet site import {name} --cancel {job['id']}")


def _size(file: Path) -> int:
    try:
        with file.open("rb"):
            return file.stat().st_size
    except OSError as error:
        raise FileUnreadable(f"{file} cannot be read: {error.strerror}. Check the name of the file.") from None


def sized(size_bytes: int) -> str:
    limit, unit = next((limit, unit) for limit, unit in SIZES if size_bytes >= limit or unit == "bytes")
    return f"{size_bytes / limit:.1f} {unit}" if limit > 1 else f"{size_bytes} bytes"


def pieces(file: Path, sent: Callable[[int], None]) -> Iterator[bytes]:
    """The file in pieces, never more than one in memory."""
    done = 0
    with file.open("rb") as stream:
        while piece := stream.read(CHUNK_BYTES):
            yield piece
            done += len(piece)
            sent(done)


def _follow(control: ControlApi, path: tuple[str, ...], number: str, steps: Steps, timeout_s: float) -> Json:
    while True:
        job = control.get(*path, str(number))
        if job["state"] == "failed":
            failure = job.get("failure") or {}
            problems = [
                Problem(str(p.get("path", "")), str(p.get("rule", "")), str(p.get("suggestion") or ""))
                for p in failure.get("problems") or ()
            ]
            message = failure.get("message") or "The import failed without saying why. See the site's logs."
            raise Answer(message, code=failure.get("code") or "import.failed", status=500, problems=problems)
        if job["state"] == "done":
            return job
        if steps.seconds > timeout_s:
            raise SiteSlow(
                f"The import is not finished after {timeout_s:g} s, and goes on. It can be repeated at any time."
            )
        progress = job.get("progress") or {}
        step = str(progress.get("step") or "Waiting for its turn")
        steps.now(step[:1].upper() + step[1:])
        done, total = progress.get("done") or 0, progress.get("total") or 0
        steps.detail(f"{done} of {total}" if total else f"{done}" if done else "")
        time.sleep(LOOK_EVERY_S)


def show_report(report: Json) -> None:
    """Counts a kind of record, then what was not taken and why."""
    counts = {word: report.get(word) or {} for word in ("created", "updated", "unchanged")}
    kinds = list(dict.fromkeys(kind for found in counts.values() for kind in found))
    rejected, lost = report.get("rejected") or [], report.get("lost") or []
    if report.get("dry_run"):
        say("Nothing was changed. This is what would be done:")
    rows = [(kind.capitalize(), *(found.get(kind, 0) for found in counts.values())) for kind in kinds]
    titles = ("", "Created", "Updated", "Unchanged")
    show(table(titles, rows, right=titles[1:]))
    for kind, number in (report.get("counted") or {}).items():
        say(f"{kind.capitalize()}, not taken: {number}.")
    for note in report.get("notes") or ():
        say(note)
    if ignored := report.get("ignored_tables"):
        say(f"Tables that were not read: {', '.join(ignored)}.")
    _lines(rejected, f"{counted(len(rejected), 'record')} {'was' if len(rejected) == 1 else 'were'} not taken:", "Why")
    _lines(
        lost,
        f"{counted(len(lost), 'thing')} could not be kept as {'it was' if len(lost) == 1 else 'they were'}:",
        "What",
    )


def _lines(found: list[Json], title: str, column: str) -> None:
    if not found:
        return
    say()
    say(title)
    show(table(("Line", column), [(r["line"] or "", r["reason"]) for r in found[:REJECTED_SHOWN]], right=("Line",)))
    if len(found) > REJECTED_SHOWN:
        say(f"and {len(found) - REJECTED_SHOWN} more; --json prints them all.")
