"""``webstreet template``: what a new site can start from."""

from __future__ import annotations

import json

import typer

from webstreet.cli import output
from webstreet.cli.api import nearest
from webstreet.cli.help import Command, Group
from webstreet.cli.options import Json, TemplateName, api
from webstreet.cli.output import counted, facts, say, show_json, table

app = typer.Typer(
    name="template",
    cls=Group,
    help="What a new site can start from.",
    epilog="""
        webstreet template list
        webstreet template show publication
    """,
    no_args_is_help=True,
)


@app.command(
    "list",
    cls=Command,
    epilog="""
        webstreet template list
    """,
)
def list_(ctx: typer.Context, as_json: Json = False) -> None:
    """List the templates of this installation."""
    found = api(ctx).items("templates")
    if as_json:
        show_json({"items": found, "total": len(found)})
        return
    rows = [(t["name"], t["purpose"], ", ".join(t["atoms"])) for t in found]
    output.show(table(("Template", "Purpose", "Atoms"), rows, firm=("Template",)))


@app.command(
    "show",
    cls=Command,
    epilog="""
        webstreet template show publication
    """,
)
def show(ctx: typer.Context, name: TemplateName, as_json: Json = False) -> None:
    """Show a template: its atoms with their parameters, and its first pages."""
    control = api(ctx)
    with nearest(
        name, lambda: [t["name"] for t in control.items("templates")], next_step="See: webstreet template list"
    ):
        found = control.get("templates", name)
    if as_json:
        show_json(found)
        return
    pairs = [("Template", found["name"]), ("Title", found["title"]), ("Purpose", found["purpose"])]
    output.show(
        facts(
            [
                *pairs,
                ("Typical use", found["typical_use"]),
                ("Used by", counted(found["sites"], "site") if found["sites"] else "no site yet"),
            ]
        )
    )
    say()
    atoms = found["atoms"]
    rows = [
        (atom, ", ".join(f"{k}: {json.dumps(v)}" for k, v in (values or {}).items())) for atom, values in atoms.items()
    ]
    output.show(table(("Atom", "Parameters"), rows, firm=("Atom",)))
    if pages := found.get("pages"):
        say()
        say(f"First pages: {', '.join(pages)}")
    say()
    say(f"Open a site from it with: webstreet site open CLIENT/SITE --template {found['name']}")
