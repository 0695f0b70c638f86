"""``webstreet login``: a link that opens the console once."""

from __future__ import annotations

from typing import Annotated

import typer

from webstreet.cli.options import Json, api
from webstreet.cli.output import ago, note, parsed, say, show_json, span


def show_link(link: dict[str, str], what: str, *, as_json: bool) -> None:
    """Print a single-use link, and on standard error how long it works."""
    import datetime as dt
    import math

    if as_json:
        show_json(link)
        return
    say(link["url"])
    until = parsed(link.get("expires_at"))
    if until is not None:
        left = (until - dt.datetime.now(dt.UTC)).total_seconds()
        note(
            f"Opens {what} once, within {span(60 * math.ceil(left / 60))}."
            if left > 0
            else f"It stopped working {ago(link['expires_at'])}."
        )


def login(
    ctx: typer.Context,
    next_: Annotated[str, typer.Option("--next", metavar="PATH", help="Page of the console to go to.")] = "",
    reset: Annotated[
        bool,
        typer.Option(
            "--reset-second-factor", help="It is lost: remove app, passkeys, recovery codes; end all sessions."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a link that opens the console once.

    The link is printed on standard output; whoever has it first is the operator, for ten minutes.
    """
    wanted = {"next": next_, "reset_second_factor": reset}
    link = api(ctx).post("login-links", body={key: value for key, value in wanted.items() if value})
    show_link(link, "the console", as_json=as_json)
