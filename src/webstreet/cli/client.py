"""``webstreet client``: the organisations that sites are hosted for."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from webstreet.cli import output
from webstreet.cli.api import ControlApi, nearest
from webstreet.cli.help import Command, Group
from webstreet.cli.options import ClientName, Json, api, client_name
from webstreet.cli.output import ago, facts, say, show_json, state_text, table

app = typer.Typer(
    name="client",
    cls=Group,
    help="The organisations that sites are hosted for.",
    epilog="""
        webstreet client add acme --title "Acme"
        webstreet client list
    """,
    no_args_is_help=True,
)


class Offer(StrEnum):
    SHARED = "shared"
    DEDICATED = "dedicated"


def known_clients(control: ControlApi) -> list[str]:
    return [found["name"] for found in control.items("clients")]


def add_with(name: str) -> str:
    return f"Add it with: webstreet client add {name}"


@app.command(
    "add",
    cls=Command,
    epilog="""
        webstreet client add acme
        webstreet client add groupe-7 --title "Groupe 7" --offer shared
    """,
)
def add(
    ctx: typer.Context,
    name: ClientName,
    title: Annotated[
        str, typer.Option("--title", metavar="TEXT", help="What people call it. Else made from the name.")
    ] = "",
    offer: Annotated[
        Offer, typer.Option("--offer", help="shared: one cluster for all. dedicated: its own.")
    ] = Offer.SHARED,
    as_json: Json = False,
) -> None:
    """Add a client."""
    name = client_name(name)
    title = title or name.replace("-", " ").capitalize()
    made = api(ctx).post("clients", body={"name": name, "title": title, "offer": offer.value})
    if as_json:
        show_json(made)
        return
    say(f"Added the client {made['name']} ({made['title']}), {made['offer']} offer.")
    say(f"Open its first site with: webstreet site open {made['name']}/NAME")


@app.command(
    "list",
    cls=Command,
    epilog="""
        webstreet client list
        webstreet client list --json | jq -r '.items[].name'
    """,
)
def list_(ctx: typer.Context, as_json: Json = False) -> None:
    """List the clients."""
    found = api(ctx).items("clients")
    if as_json:
        show_json({"items": found, "total": len(found)})
    elif not found:
        say("There is no client yet. Add the first with: webstreet client add NAME")
    else:
        rows = [(c["name"], c["title"], c["offer"], c["sites"], ago(c["created_at"])) for c in found]
        output.show(table(("Client", "Title", "Offer", "Sites", "Added"), rows, right=("Sites",), firm=("Added",)))


@app.command(
    "show",
    cls=Command,
    epilog="""
        webstreet client show acme
    """,
)
def show(ctx: typer.Context, name: ClientName, as_json: Json = False) -> None:
    """Show a client and its sites."""
    name, control = client_name(name), api(ctx)
    with nearest(name, lambda: known_clients(control), next_step=add_with(name)):
        found = control.get("clients", name)
    sites = control.items("sites", client=name)
    if as_json:
        show_json(found)
        return
    pairs = [("Client", found["name"]), ("Title", found["title"]), ("Offer", found["offer"])]
    output.show(facts([*pairs, ("Added", ago(found["created_at"])), ("Sites", str(len(sites)))]))
    if sites:
        rows = [(f"{s['client']}/{s['site']}", state_text(s["state"]), s["address"]) for s in sites]
        say()
        output.show(table(("Site", "State", "Address"), rows, firm=("State",)))


@app.command(
    "remove",
    cls=Command,
    epilog="""
        webstreet client remove acme
    """,
)
def remove(ctx: typer.Context, name: ClientName, as_json: Json = False) -> None:
    """Remove a client that has no site.

    A client with sites stays: close them first, each keeps a final backup.
    """
    name, control = client_name(name), api(ctx)
    with nearest(name, lambda: known_clients(control), next_step="See: webstreet client list"):
        gone = control.delete("clients", name)
    if as_json:
        show_json(gone or {"name": name, "removed": True})
    else:
        say(f"Removed the client {name}.")
