"""How a site is shown: as a page of facts, live, and as a row of a list."""

from __future__ import annotations

import time
from typing import Any

from webstreet.cli import output
from webstreet.cli.api import ControlApi, Json, nearest
from webstreet.cli.output import ago, counted, facts, show_json, show_json_line, state_text, table
from webstreet.kernel.ids import SiteId

LOOK_EVERY_S = 0.5
NO_MAIL = (
    "no mail server was named for this site, so its mails go to smtp://localhost:25 and wait while nothing listens there."
    " Name one for the installation: WEBSTREET_SITE_EMAIL_URL."
)
MAIL = {"own": "its own mail server", "default": "this installation's mail server", "none": f"Warning: {NO_MAIL}"}


def get_site(control: ControlApi, name: SiteId) -> Json:
    """One site, or an error that names the nearest."""
    return on_site(control, name, lambda: control.get("sites", name.client, name.site))


def on_site(control: ControlApi, name: SiteId, call: Any) -> Any:
    """Carry out ``call``; if the site is unknown, say which one may have been meant."""

    def known() -> list[str]:
        return [full_name(site) for site in control.items("sites")]

    template = f"Open it with: webstreet site open {name}"
    with nearest(str(name), known, next_step=template):
        return call()


def full_name(site: Json) -> str:
    return f"{site['client']}/{site['site']}"


def listed(sites: list[Json]) -> Any:
    rows = [(full_name(s), state_text(s["state"]), s["template"], s.get("address") or "") for s in sites]
    return table(("Site", "State", "Template", "Address"), rows, firm=("State",))


def differences(site: Json) -> str:
    """What is not as wished, in one line a difference."""
    found = []
    for entry in site.get("differs") or ():
        found.append(f"{entry['what']}: wanted {entry['wanted']}, seen {entry['seen']}")
    return "\n".join(found)


def _generation(site: Json) -> str:
    seen, wanted = site.get("seen_generation"), site.get("wanted_generation")
    return f"{wanted}" if seen == wanted else f"{seen if seen is not None else 'none'} of {wanted}"


def _customized(site: Json) -> str:
    count = site.get("customizations") or 0
    return f"{counted(count, 'time')}. See: webstreet site customize {full_name(site)} --list" if count else ""


def page(site: Json) -> Any:
    """Everything about one site, for a terminal of 80 columns."""
    from rich.console import Group
    from rich.text import Text

    atoms = site.get("atoms") or {}
    residency = ", ".join(f"{atom}: {where}" for atom, where in (site.get("residency") or {}).items())
    head = Text.assemble((full_name(site), "bold"), "  ", state_text(site["state"]))
    parts: list[Any] = [head]
    said = dict.fromkeys(str(site[key]) for key in ("note", "next") if site.get(key))
    parts += [Text(sentence) for sentence in said]
    pairs = facts(
        [
            ("Title", site.get("title", "")),
            ("Address", site.get("address") or ""),
            ("Domains", ", ".join(site.get("domains") or ())),
            ("Languages", ", ".join(site.get("languages") or ())),
            ("Template", site.get("template", "")),
            ("Atoms", ", ".join(atoms)),
            ("Residency", residency),
            ("Customized", _customized(site)),
            ("Mail", MAIL.get(site.get("mail", ""), "")),
            ("Release", site.get("release") or ""),
            ("Generation", _generation(site)),
            ("Differs", differences(site)),
            ("Seen", ago(site.get("seen_at"))),
            ("Opened", ago(site.get("created_at"))),
            ("Last backup", site.get("last_backup") or "none yet"),
            ("Console", site.get("console_url") or ""),
        ]
    )
    parts += [Text(), pairs]
    if processes := site.get("processes"):
        rows = [
            (
                p["name"],
                p.get("pid") or "",
                ago(p.get("since")).removesuffix(" ago"),
                p.get("restarts", 0),
                p.get("note") or "",
            )
            for p in processes
        ]
        titles = ("Process", "Pid", "Up", "Restarts", "Note")
        parts += [Text(), table(titles, rows, right=("Pid", "Up", "Restarts"), firm=("Process", "Pid", "Up"))]
    return Group(*parts)


def watch(control: ControlApi, name: SiteId, *, as_json: bool) -> None:
    """Show a site until Ctrl-C: live on a terminal, else whenever something changed."""
    site = get_site(control, name)
    if as_json or not output.console().is_terminal:
        _watch_changes(control, name, site, as_json=as_json)
        return
    from rich.live import Live

    with Live(page(site), console=output.console(), auto_refresh=False, screen=False) as live:
        while True:
            time.sleep(LOOK_EVERY_S)
            live.update(page(get_site(control, name)), refresh=True)


def _watch_changes(control: ControlApi, name: SiteId, site: Json, *, as_json: bool) -> None:
    shown: Json = {}
    while True:
        comparable = {key: value for key, value in site.items() if key != "seen_at"}
        if comparable != shown:
            shown = comparable
            if as_json:
                show_json_line(site)
            else:
                output.show(f"{full_name(site)}  {site['state']}  {site.get('note') or site.get('address') or ''}")
        time.sleep(LOOK_EVERY_S)
        site = get_site(control, name)


def show(site: Json, *, as_json: bool) -> None:
    if as_json:
        show_json(site)
    else:
        output.show(page(site))
