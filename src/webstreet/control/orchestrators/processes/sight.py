"""What is seen of a site: its folder, its supervisor, and the answer of the processes that serve."""

from __future__ import annotations

import datetime as dt
import http.client
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from webstreet.contract.environment import BASE_URL
from webstreet.contract.health import FACTS_PATH, READY_PATH, Facts, Ready
from webstreet.control.orchestrators.base import SeenProcess, SeenSite, SiteState
from webstreet.control.orchestrators.processes.folder import Folder, read_json, runs
from webstreet.control.orchestrators.processes.release import read_wish
from webstreet.control.orchestrators.processes.supervisor import HOST
from webstreet.kernel.errors import Sentence
from webstreet.kernel.ids import SiteId

ASK_S = 3.0
INCOMPLETE = Sentence.of("site.incomplete", "It is not complete: being made, or being removed.")
UNSUPERVISED = Sentence.of("site.unsupervised", "Nothing supervises it: its supervisor has ended.")
UNREAD = Sentence.of("wish.unread", "Its supervisor has not read the new wish yet.")
SILENT = Sentence.of("site.silent", "Its processes run, but it does not answer.")
SLOW = Sentence.of("site.slow", "It runs, but takes long to say whether it has all that it needs.")
_STATES = {state.value: state for state in SiteState}


def look(site: SiteId, folder: Folder, backups: Path) -> SeenSite:
    """One site as it is now. Nothing is changed, and nothing is believed that the processes do not say themselves."""
    kept = finished_backups(backups)
    common: dict[str, Any] = {
        "site": site,
        "backups": tuple(p.name for p in kept),
        "backup": str(kept[-1]) if kept else "",
    }
    wanted, seen = read_wish(folder), read_json(folder.seen)
    if not wanted or wanted.get("removing"):
        return SeenSite(state=SiteState.GONE, note=INCOMPLETE, **common)
    address = f"http://{HOST}:{wanted['port']}"
    if not seen or not runs(seen):
        return SeenSite(state=SiteState.FAILING, note=UNSUPERVISED, **common)
    processes = tuple(_process(entry) for entry in seen["processes"])
    common |= {"accepted": int(wanted["generation"]), "address": address, "processes": processes}
    state = _STATES.get(seen["state"], SiteState.STARTING)
    note = Sentence.restored(str(seen["note"]), seen.get("said"))
    if state is SiteState.SUSPENDED and seen["accepted"] != wanted["generation"]:
        state, note = SiteState.STARTING, UNREAD
    if state is not SiteState.RUNNING:
        return SeenSite(state=state, note=note, **common)
    facts = ask(wanted["port"], wanted.get("environment", {}))
    if facts is None or SiteId(facts.client, facts.site) != site:
        return SeenSite(state=SiteState.STARTING, note=note or SILENT, **common)
    if not note and facts.generation == wanted["generation"]:
        state, note = health(wanted["port"], wanted.get("environment", {}))
    return SeenSite(state=state, generation=facts.generation, facts=facts, note=note, **common)


def ask(port: int, environment: Mapping[str, str]) -> Facts | None:
    """``/-/facts`` as the site's own processes answer it; None if they do not."""
    status, body = _get(port, environment, FACTS_PATH)
    try:
        return Facts.model_validate_json(body) if status == http.HTTPStatus.OK else None
    except ValidationError:
        return None


def health(port: int, environment: Mapping[str, str]) -> tuple[SiteState, str]:
    """What a site that runs says of the things it stands on: FAILING if it can show nothing without one of them."""
    status, body = _get(port, environment, READY_PATH)
    if not status:
        return SiteState.RUNNING, SLOW
    try:
        found = Ready.model_validate_json(body)
    except ValidationError:
        return SiteState.RUNNING, ""
    bad = [part for part in found.parts if not part.ok]
    said = "; ".join(f"{part.name}: {part.note or 'not ready'}" for part in bad)
    state = SiteState.FAILING if any(part.needed for part in bad) else SiteState.RUNNING
    lacks = Sentence.of("site.lacks", "Its processes run, but something is missing. {parts}.", parts=said)
    return state, lacks if said else ""


def _get(port: int, environment: Mapping[str, str], path: str) -> tuple[int, bytes]:
    """Status and body; 0 when there is no answer."""
    host = urlsplit(environment.get(BASE_URL, "")).netloc or f"{HOST}:{port}"
    connection = http.client.HTTPConnection(HOST, port, timeout=ASK_S)
    try:
        connection.request("GET", path, headers={"Host": host, "Connection": "close"})
        response = connection.getresponse()
        return response.status, response.read(1_000_000)
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def finished_backups(folder: Path) -> list[Path]:
    """Oldest first. One that is being written has a name that starts with a dot."""
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))


def _process(entry: Mapping[str, Any]) -> SeenProcess:
    since = entry.get("since")
    return SeenProcess(
        name=str(entry["name"]),
        pid=entry["pid"],
        since=dt.datetime.fromtimestamp(since, dt.UTC) if since else None,
        restarts=int(entry["restarts"]),
        note=str(entry["note"]),
    )
