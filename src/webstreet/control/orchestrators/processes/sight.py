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
from webstreet.contract.health import FACTS_PATH, Facts
from webstreet.control.orchestrators.base import SeenProcess, SeenSite, SiteState
from webstreet.control.orchestrators.processes.folder import Folder, read_json, runs
from webstreet.control.orchestrators.processes.release import read_wish
from webstreet.control.orchestrators.processes.supervisor import HOST
from webstreet.kernel.ids import SiteId

ASK_S = 3.0
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
        return SeenSite(state=SiteState.GONE, note="It is not complete: being made, or being removed.", **common)
    address = f"http://{HOST}:{wanted['port']}"
    if not seen or not runs(seen):
        return SeenSite(state=SiteState.FAILING, note="Nothing supervises it: its supervisor has ended.", **common)
    processes = tuple(_process(entry) for entry in seen["processes"])
    common |= {"accepted": int(wanted["generation"]), "address": address, "processes": processes}
    state, note = _STATES.get(seen["state"], SiteState.STARTING), str(seen["note"])
    if state is SiteState.SUSPENDED and seen["accepted"] != wanted["generation"]:
        state, note = SiteState.STARTING, "Its supervisor has not read the new wish yet."
    if state is not SiteState.RUNNING:
        return SeenSite(state=state, note=note, **common)
    facts = ask(wanted["port"], wanted.get("environment", {}))
    if facts is None or SiteId(facts.client, facts.site) != site:
        return SeenSite(state=SiteState.STARTING, note=note or "Its processes run, but it does not answer.", **common)
    return SeenSite(state=SiteState.RUNNING, generation=facts.generation, facts=facts, note=note, **common)


def ask(port: int, environment: Mapping[str, str]) -> Facts | None:
    """``/-/facts`` as the site's own processes answer it; None if they do not."""
    host = urlsplit(environment.get(BASE_URL, "")).netloc or f"{HOST}:{port}"
    connection = http.client.HTTPConnection(HOST, port, timeout=ASK_S)
    try:
        connection.request("GET", FACTS_PATH, headers={"Host": host, "Connection": "close"})
        response = connection.getresponse()
        body = response.read(1_000_000)
        return Facts.model_validate_json(body) if response.status == http.HTTPStatus.OK else None
    except (OSError, http.client.HTTPException, ValidationError):
        return None
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
