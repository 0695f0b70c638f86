"""``webstreet atom``: the capabilities a site can have."""

from __future__ import annotations

import json
from typing import Any

import typer

from webstreet.cli.api import nearest
from webstreet.cli.help import Command, Group
from webstreet.cli.options import AtomName, Json, api
from webstreet.cli.output import console, counted, facts, say, show_json, table

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
    console().print(table(("Atom", "Kind", "Data", "Purpose"), rows, firm=("Atom", "Kind", "Data")))


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
    console().print(
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
                ("Used by", counted(found["sites"], "site")),
            ]
        )
    )
    properties = (found.get("parameters") or {}).get("properties") or {}
    if properties:
        say()
        rows = [(key, kind(value), default(value), value.get("description", "")) for key, value in properties.items()]
        console().print(table(("Parameter", "Type", "Default", "Meaning"), rows, firm=("Parameter",)))
        say()
        say(f"Set one with: webstreet site open CLIENT/SITE --set {found['name']}.{next(iter(properties))}=VALUE")


def kind(schema: dict[str, Any]) -> str:
    """A JSON Schema type in a word, or its choices."""
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " or ".join(kind(option) for option in schema["anyOf"] if option.get("type") != "null") or "any"
    return str(schema.get("type", "any"))


def default(schema: dict[str, Any]) -> str:
    value = schema.get("default")
    return "" if value in (None, "") else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
