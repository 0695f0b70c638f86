"""``webstreet dictionary``: what the program keeps about itself: atoms, configuration, settings, customizations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from webstreet.cli import output
from webstreet.cli.errors import UsageWrong
from webstreet.cli.help import Command, Group
from webstreet.cli.options import Json, api
from webstreet.cli.output import say, show_json, table

app = typer.Typer(
    name="dictionary",
    cls=Group,
    help="What there is, what uses what, what can be set, and what was done specially for a client.",
    epilog="""
        webstreet dictionary atoms
        webstreet dictionary configuration --atom newsletter
        webstreet dictionary settings --search mail
        webstreet dictionary customizations --client acme --csv > acme.csv
    """,
    no_args_is_help=True,
)
Search = Annotated[str, typer.Option("--search", metavar="TEXT", help="Only those that match.")]
Client = Annotated[str, typer.Option("--client", metavar="CLIENT", help="Only this client's.")]
Atom = Annotated[str, typer.Option("--atom", metavar="ATOM", help="Only what concerns this atom.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print the whole list as CSV, safe to open in a spreadsheet.")]


def _show(
    ctx: typer.Context, path: tuple[str, ...], shown: Callable[[list[Any]], Any], as_json: bool, as_csv: bool, **query: Any
) -> None:  # fmt: skip
    if as_json and as_csv:
        raise UsageWrong("Both --json and --csv are given: remove one of them.")
    if as_csv:
        with api(ctx).lines(*path, format="csv", **query) as lines:
            for line in lines:
                say(line)
        return
    found = api(ctx).items(*path, **query)
    if as_json:
        show_json({"items": found, "total": len(found)})
    elif found:
        output.show(shown(found))
    else:
        say("Nothing is like that.")


@app.command(
    "atoms",
    cls=Command,
    epilog="""
        webstreet dictionary atoms
        webstreet dictionary atoms --csv
    """,
)
def atoms(ctx: typer.Context, search: Search = "", as_csv: Csv = False, as_json: Json = False) -> None:
    """List every atom: what it is for, its parameters, where it is used.

    One atom in full: webstreet atom show ATOM.
    """

    def shown(found: list[Any]) -> Any:
        rows = [
            (a["name"], a["purpose"], ", ".join(a["parameters"].get("properties", {})) or "none", a["sites"])
            for a in found
        ]
        return table(("Atom", "Purpose", "Parameters", "Sites"), rows, right=("Sites",), firm=("Atom",))

    _show(ctx, ("atoms",), shown, as_json, as_csv, q=search)


@app.command(
    "configuration",
    cls=Command,
    epilog="""
        webstreet dictionary configuration
        webstreet dictionary configuration --atom newsletter
        webstreet dictionary configuration --kind site --client acme
    """,
)
def configuration(
    ctx: typer.Context,
    kind: Annotated[str, typer.Option("--kind", metavar="KIND", help="atom, template or site.")] = "",
    atom: Atom = "",
    client: Client = "",
    search: Search = "",
    as_csv: Csv = False,
    as_json: Json = False,
) -> None:
    """List which site and template uses which atom, and which atom calls which."""

    def shown(found: list[Any]) -> Any:
        rows = [(e["kind"], e["name"], "\n".join(_use(use) for use in e["uses"]) or "–") for e in found]
        return table(("Kind", "Name", "Uses"), rows, firm=("Kind",))

    _show(ctx, ("dictionary", "configuration"), shown, as_json, as_csv, kind=kind, atom=atom, client=client, q=search)


def _use(use: dict[str, str]) -> str:
    return f"{use['atom']} ({use['how']})" if use["how"] else use["atom"]


@app.command(
    "settings",
    cls=Command,
    epilog="""
        webstreet dictionary settings
        webstreet dictionary settings --scope control
        webstreet dictionary settings --search mail --json
    """,
)
def settings(
    ctx: typer.Context,
    scope: Annotated[str, typer.Option("--scope", metavar="SCOPE", help="site, control or command-line.")] = "",
    search: Search = "",
    as_csv: Csv = False,
    as_json: Json = False,
) -> None:
    """List every setting that controls a site or the control plane.

    With --json and --csv also where each is kept, and what happens when it is changed.
    """

    def shown(found: list[Any]) -> Any:
        rows = [(s["name"], s["meaning"], "(secret)" if s["secret"] else s["default"] or "–", s["who"]) for s in found]
        return table(("Setting", "Meaning", "Default", "Who may change it"), rows)

    _show(ctx, ("dictionary", "settings"), shown, as_json, as_csv, scope=scope, q=search)


@app.command(
    "customizations",
    cls=Command,
    epilog="""
        webstreet dictionary customizations
        webstreet dictionary customizations --client acme --in-force
        webstreet dictionary customizations --csv > customizations.csv
    """,
)
def customizations(
    ctx: typer.Context,
    client: Client = "",
    atom: Atom = "",
    in_force: Annotated[
        bool | None, typer.Option("--in-force/--past", help="Only those that hold, or only those that do not any more.")
    ] = None,
    search: Search = "",
    as_csv: Csv = False,
    as_json: Json = False,
) -> None:
    """List everything that was done specially for a client: what, from what to what, why, by whom, when."""
    from webstreet.cli.site_customize import listed

    path = ("dictionary", "customizations")
    shown = lambda found: listed(found, with_site=True)  # noqa: E731
    _show(ctx, path, shown, as_json, as_csv, client=client, atom=atom, in_force=in_force, q=search)
