"""``webstreet template``: what a new site can start from."""

from __future__ import annotations

import json

import typer

from webstreet.cli import output
from webstreet.cli.catalogue import list_all, show_one
from webstreet.cli.help import Command, Group
from webstreet.cli.options import Json, TemplateName
from webstreet.cli.output import say, table

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
    row = lambda t: (t["name"], t["purpose"], ", ".join(t["atoms"]))  # noqa: E731
    list_all(ctx, "templates", ("Template", "Purpose", "Atoms"), row, firm=("Template",), as_json=as_json)


@app.command(
    "show",
    cls=Command,
    epilog="""
        webstreet template show publication
    """,
)
def show(ctx: typer.Context, name: TemplateName, as_json: Json = False) -> None:
    """Show a template: its atoms with their parameters, and its first pages."""
    found = show_one(ctx, "template", name, lambda _: (), as_json=as_json)
    if not found:
        return
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
