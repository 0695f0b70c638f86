"""Closing a site: say what will go, ask for its name, wait for the final backup and the end."""

from __future__ import annotations

import sys
import time

from webstreet.cli.api import ControlApi, Json
from webstreet.cli.errors import Answer, CloseUnconfirmed, SiteSlow
from webstreet.cli.output import counted, note, say, show_json
from webstreet.cli.site_open import what_happens
from webstreet.cli.site_view import get_site
from webstreet.cli.steps import Steps
from webstreet.kernel.ids import SiteId

LOOK_EVERY_S = 0.2


def run(control: ControlApi, name: SiteId, yes_close: str, *, wait: bool, timeout_s: float, as_json: bool) -> None:
    """Close ``name`` once its name was given a second time."""
    site = get_site(control, name)
    if not yes_close and not as_json:
        explain(site, name)
    confirm(name, yes_close)
    with Steps(f"Closing {name}", quiet=as_json) as steps:
        steps.now("Recording the wish")
        answer = control.post("sites", name.client, name.site, "close", body={"confirm": str(name)})
        backup = _until_gone(control, name, steps, timeout_s) if wait else ""
    if as_json:
        show_json({"site": str(name), "state": "closed", "backup": backup} if wait else answer)
    elif wait:
        say(f"{name} is closed." + (f" Its final backup is in {backup}" if backup else ""))
    else:
        say(f"{name} is being closed. Watch it with: webstreet site status {name} --watch")


def explain(site: Json, name: SiteId) -> None:
    """What will happen, in numbers."""
    processes, domains, atoms = (len(site.get(key) or ()) for key in ("processes", "domains", "atoms"))
    lines = [
        f"Closing {name} ({site.get('title', '')})",
        "  "
        + (f"stops {counted(processes, 'process', 'processes')} and " if processes else "")
        + "answers nobody any more"
        + (f" at {site['address']}" if site.get("address") else ""),
    ]
    if domains:
        lines.append(f"  frees {counted(domains, 'domain')}: {', '.join(site['domains'])}")
    lines.append(f"  deletes the data of {counted(atoms, 'atom')} at the hoster, after a final backup that stays")
    elsewhere = [atom for atom, where in (site.get("residency") or {}).items() if where == "client"]
    if elsewhere:
        lines.append(f"  leaves what lives on the client's own server as it is: {', '.join(elsewhere)}")
    note("\n".join(lines))


def confirm(name: SiteId, given: str) -> None:
    """Raises `CloseUnconfirmed` unless the name was repeated, as an option or at the prompt."""
    again = given
    if not again and sys.stdin.isatty():
        print("Type the site's name to close it: ", end="", file=sys.stderr, flush=True)
        again = sys.stdin.readline().strip()
    if again == str(name):
        return
    if not again:
        raise CloseUnconfirmed(f"{name} was not closed: repeat its name with --yes-close {name}.")
    raise CloseUnconfirmed(f'{name} was not closed: "{again[:80]}" is not its name.')


def _until_gone(control: ControlApi, name: SiteId, steps: Steps, timeout_s: float) -> str:
    """Look until the site is no more. Returns where its newest backup is."""
    backup = ""
    while True:
        try:
            site = control.get("sites", name.client, name.site)
        except Answer as error:
            if error.answered_status != 404:
                raise
            return last_backup(control, name) or backup
        backup = site.get("last_backup") or backup
        if site["state"] == "closed":
            return backup
        if steps.seconds > timeout_s:
            raise SiteSlow(f"{name} is still {site['state']} after {timeout_s:g} s, and goes on being closed.")
        steps.now(what_happens({"next": site.get("next")}))
        time.sleep(LOOK_EVERY_S)


def last_backup(control: ControlApi, name: SiteId) -> str:
    """Where the final backup is, as the journal remembers it."""
    events = control.get("events", object=str(name), what="site.closed", limit=1).get("items", [])
    return str(events[0]["detail"].get("backup") or "") if events else ""
