"""``webstreet atom``: the capabilities a site can have."""

from __future__ import annotations

import json
from typing import Any

import typer

from webstreet.cli import output
from webstreet.cli.api import nearest
from webstreet.cli.help import Command, Group
from webstreet.cli.options import AtomName, Json, api
from webstreet.cli.output import counted, facts, say, show_json, table

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
    found = api(ctx).items("atoms")
    if as_json:
        show_json({"items": found, "total": len(found)})
        return
    rows = [(a["name"], a["kind"], "sensitive" if a.get("sensitive") else "", a["purpose"]) for a in found]
    output.show(table(("Atom", "Kind", "Data", "Purpose"), rows, firm=("Atom", "Kind", "Data")))


@app.command(
    "show",
    cls=Command,
    epilog="""
        webstreet atom show newsletter
    """,
)
def show(ctx: typer.Context, name: AtomName, as_json: Json = False) -> None:
    """Show an atom: what it is for, and its parameters."""
    control = api(ctx)
    with nearest(name, lambda: [a["name"] for a in control.items("atoms")], next_step="See: webstreet atom list"):
        found = control.get("atoms", name)
    if as_json:
        show_json(found)
        return
    data = "sensitive: a client may keep it on its own server" if found.get("sensitive") else ""
    output.show(
        facts(
            [
                ("Atom", found["name"]),
                ("Title", found.get("title", "")),
                ("Kind", found["kind"]),
                ("Purpose", found["purpose"]),
                ("Typical use", found.get("typical_use", "")),
                ("Data", data),
                ("Stores", ", ".join(found.get("stores") or ())),
                ("Needs", ", ".join(found.get("requires") or ())),
                ("Templates", ", ".join(found["templates"])),
                ("Used by", counted(found["sites"], "site") if found["sites"] else "no site yet"),
            ]
        )
    )
    schema = found.get("parameters") or {}
    if properties := schema.get("properties"):
        say()
        rows = [(key, kind(value, schema), meaning(value)) for key, value in properties.items()]
        output.show(table(("Parameter", "Type", "Meaning"), rows, firm=("Parameter",)))
        say()
        say(f"Set one with: webstreet site open CLIENT/SITE --set {found['name']}.{next(iter(properties))}=VALUE")


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
