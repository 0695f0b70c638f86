"""``webstreet site customize``: what is typed becomes a recorded change, and we wait until the site runs with it."""

from __future__ import annotations

from typing import Any

from webstreet.cli import output
from webstreet.cli.api import ControlApi, Json
from webstreet.cli.errors import UsageWrong
from webstreet.cli.output import ago, say, show_json, table
from webstreet.cli.site_open import parameters, until_state
from webstreet.cli.site_view import get_site, on_site
from webstreet.cli.steps import Steps
from webstreet.kernel.ids import SiteId

FORM = "ATOM.PARAMETER=VALUE"


def run(
    control: ControlApi, name: SiteId, changes: list[str], undo: int | None, why: str, *, wait: bool, timeout_s: float, as_json: bool
) -> None:  # fmt: skip
    """Record a change, or undo one; with ``wait`` until the site runs with it."""
    if bool(changes) == (undo is not None):
        raise UsageWrong(f"Write what to set ({FORM}) or which one to undo (--undo NUMBER). To look: --list")
    if not why.strip():
        raise UsageWrong('A reason is needed, for whoever asks later: --why "..."')
    path: tuple[str, ...] = ("sites", name.client, name.site, "customizations")
    body: Json = {"why": why}
    if undo is None:
        body["parameters"] = parameters(changes, FORM)
    else:
        path = (*path, str(undo), "undo")
    with Steps(f"Customizing {name}", quiet=as_json) as steps:
        steps.now("Recording the change and its reason")
        recorded = on_site(control, name, lambda: control.post(*path, body=body))
        if wait and recorded["items"] and not get_site(control, name)["suspended"]:
            until_state(control, name, "running", steps, timeout_s)
    if as_json:
        show_json(recorded)
        return
    for row in recorded["items"]:
        say(f"{row['number']}  {row['subject']}: {value(row, 'before')} → {value(row, 'after')}")
    if not recorded["items"]:
        say(f"{name} is like that already; nothing was recorded.")
    elif undo is None:
        say(f"Undo it with: webstreet site customize {name} --undo {recorded['items'][-1]['number']} --why REASON")


def show_list(control: ControlApi, name: SiteId, *, as_json: bool) -> None:
    """What was customized of one site."""
    path = ("sites", name.client, name.site, "customizations")
    found = on_site(control, name, lambda: control.items(*path))
    if as_json:
        show_json({"items": found, "total": len(found)})
    elif found:
        output.show(listed(found))
    else:
        say(f"{name} is as its template made it.")


def listed(rows: list[Json], *, with_site: bool = False) -> Any:
    """A table of customizations: the newest first, as they come."""
    titles = ["No.", "What", "From → to", "Holds", "Why, by whom"]
    cells = [
        [r["number"], r["subject"], f"{value(r, 'before')} → {value(r, 'after')}", "yes" if r["in_force"] else "no", _why(r)]
        for r in rows
    ]  # fmt: skip
    if with_site:
        titles[0], cells = (
            "Site",
            [[f"{r['client']}/{r['site']} {c[0]}", *c[1:]] for r, c in zip(rows, cells, strict=True)],
        )
    return table(titles, cells, firm=("No.", "Holds"))


def value(row: Json, when: str) -> str:
    """One of the two values, as a person would write it."""
    import json

    if row[f"{when}_is"] == "secret":
        return "(secret)"
    given = row[when]
    text = given if isinstance(given, str) and given else json.dumps(given, ensure_ascii=False)
    return f"{text} (default)" if row[f"{when}_is"] == "default" else text


def _why(row: Json) -> str:
    reason = row["why"] or ("asked for at the opening" if row["at_opening"] else "")
    undone = f"Undoes {row['undoes']}. " if row["undoes"] else ""
    return f"{undone}{reason} ({row['by']}, {ago(row['at'])})"
