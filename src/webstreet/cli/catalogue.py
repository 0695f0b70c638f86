"""What the nouns of the catalogue share: atoms and templates are listed and shown in the same way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import typer

from webstreet.cli import output
from webstreet.cli.api import Json, nearest
from webstreet.cli.options import api
from webstreet.cli.output import counted, facts, show_json, table

Row = Callable[[Json], Sequence[Any]]


def list_all(
    ctx: typer.Context, plural: str, titles: Sequence[str], row: Row, *, firm: Sequence[str], as_json: bool
) -> None:
    """All of them as a table, or as one document."""
    found = api(ctx).items(plural)
    if as_json:
        show_json({"items": found, "total": len(found)})
    else:
        output.show(table(titles, [row(one) for one in found], firm=firm))


def show_one(
    ctx: typer.Context, noun: str, name: str, more: Callable[[Json], Sequence[tuple[str, Any]]], *, as_json: bool
) -> Json | None:
    """One of them as facts, with what ``more`` adds; returns it for what is shown below. None: it was shown as a document."""
    control, plural = api(ctx), f"{noun}s"
    with nearest(name, lambda: [one["name"] for one in control.items(plural)], next_step=f"See: webstreet {noun} list"):
        found = control.get(plural, name)
    if as_json:
        show_json(found)
        return None
    used = counted(found["sites"], "site") if found["sites"] else "no site yet"
    head = [(noun.capitalize(), found["name"]), ("Title", found["title"]), ("Purpose", found["purpose"])]
    head.append(("Typical use", found["typical_use"]))
    output.show(facts([*head, *more(found), ("Used by", used)]))
    return found
