"""``webstreet atom``: the capabilities a site can have."""

from __future__ import annotations

import json
from typing import Any

import typer

from webstreet.cli import output
from webstreet.cli.catalogue import list_all, show_one
from webstreet.cli.help import Command, Group
from webstreet.cli.options import AtomName, Json
from webstreet.cli.output import say, table

app = typer.Typer(
    name="atom",
    cls=Group,
    help="The capabilities a site can have.",
    epilog="""
        webstreet atom list
        webstreet atom show newsletter
    """,
    no_args_is_help=True,
)


@app.command(
    "list",
    cls=Command,
    epilog="""
        webstreet atom list
    """,
)
def list_(ctx: typer.Context, as_json: Json = False) -> None:
    """List the atoms of this installation."""
    titles = ("Atom", "Kind", "Data", "Purpose")
    row = lambda a: (a["name"], a["kind"], "sensitive" if a["sensitive"] else "", a["purpose"])  # noqa: E731
    list_all(ctx, "atoms", titles, row, firm=titles[:3], as_json=as_json)


@app.command(
    "show",
    cls=Command,
    epilog="""
        webstreet atom show newsletter
    """,
)
def show(ctx: typer.Context, name: AtomName, as_json: Json = False) -> None:
    """Show an atom: what it is for, and its parameters."""
    found = show_one(ctx, "atom", name, _facts, as_json=as_json)
    if not found:
        return
    schema = found.get("parameters") or {}
    if properties := schema.get("properties"):
        say()
        rows = [(key, kind(value, schema), meaning(value)) for key, value in properties.items()]
        output.show(table(("Parameter", "Type", "Meaning"), rows, firm=("Parameter",)))
        say()
        say(f"Set one with: webstreet site open CLIENT/SITE --set {found['name']}.{next(iter(properties))}=VALUE")


def _facts(atom: dict[str, Any]) -> list[tuple[str, str]]:
    lists = (
        ("Stores", "stores"),
        ("Needs", "requires"),
        ("Hooks offered", "hooks_offered"),
        ("Hooks used", "hooks_used"),
    )
    return [
        ("Kind", atom["kind"]),
        ("Data", "sensitive: a client may keep it on its own server" if atom["sensitive"] else ""),
        *((title, ", ".join(atom.get(key) or ())) for title, key in lists),
        ("Templates", ", ".join(atom["templates"])),
    ]


def kind(part: dict[str, Any], schema: dict[str, Any]) -> str:
    """A JSON Schema type in a word, or its choices."""
    if "$ref" in part:
        part = (schema.get("$defs") or {}).get(str(part["$ref"]).rpartition("/")[2], {})
    if "enum" in part:
        return " | ".join(map(str, part["enum"]))
    if "anyOf" in part:
        return " or ".join(kind(option, schema) for option in part["anyOf"] if option.get("type") != "null") or "any"
    return str(part.get("type", "any"))


def meaning(part: dict[str, Any]) -> str:
    """What a parameter is for, and what it is if nobody sets it."""
    value = part.get("default")
    if value in (None, "") or isinstance(value, (dict, list)):
        return str(part.get("description", ""))
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"{part.get('description', '')} Default: {shown}."
