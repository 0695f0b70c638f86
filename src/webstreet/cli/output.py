"""What the CLI prints: tables, facts, states, errors. Nothing here knows the API.

A state is a sign, a word and a colour, so that it reads without colour too. Text that does not fit is folded, never cut.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from webstreet.cli.errors import Answer, explained
from webstreet.kernel.errors import DocumentInvalid, WebstreetError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

SIGNS = {
    "running": ("●", "*", "green"),
    "opening": ("◐", "~", "cyan"),
    "starting": ("◐", "~", "cyan"),
    "updating": ("◐", "~", "cyan"),
    "suspending": ("◐", "~", "yellow"),
    "suspended": ("■", "=", "yellow"),
    "closing": ("◐", "~", "magenta"),
    "closed": ("○", "o", "bright_black"),
    "gone": ("○", "o", "bright_black"),
    "failing": ("✗", "x", "red"),
    "failed": ("✗", "x", "red"),
    "done": ("●", "*", "green"),
    "unknown": ("?", "?", "yellow"),
}


@cache
def console() -> Console:
    """Standard output, for people."""
    from rich.console import Console

    return Console(highlight=False, emoji=False, markup=False, width=None if sys.stdout.isatty() else _columns())


@cache
def progress_console() -> Console:
    """Standard error, for what goes on meanwhile."""
    from rich.console import Console

    return Console(
        stderr=True, highlight=False, emoji=False, markup=False, width=None if sys.stderr.isatty() else _columns()
    )


def _columns() -> int:
    given = os.environ.get("COLUMNS", "")
    return int(given) if given.isdigit() and int(given) > 0 else 80


def show(shown: Any) -> None:
    """A table or a page. Into a pipe it goes without the blanks that fill its lines."""
    if console().is_terminal:
        console().print(shown)
        return
    with console().capture() as captured:
        console().print(shown)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()), flush=True)


def show_json(document: Any) -> None:
    """The one document of ``--json``."""
    print(json.dumps(document, ensure_ascii=False, indent=2, default=str), flush=True)


def show_json_line(document: Any) -> None:
    """One of several documents: JSON lines."""
    print(json.dumps(document, ensure_ascii=False, default=str), flush=True)


def say(text: str = "") -> None:
    """A sentence of the result."""
    print(text, flush=True)


def note(text: str) -> None:
    """Something worth knowing that is not the result."""
    print(text, file=sys.stderr, flush=True)


def show_error(error: WebstreetError, *, as_json: bool = False) -> None:
    """On standard error: what happened, why, what to do next, and the code at the end."""
    problems = error.problems if isinstance(error, (Answer, DocumentInvalid)) else ()
    if as_json:
        listed = [{"path": p.path, "rule": p.rule, "suggestion": p.suggestion} for p in problems]
        body = {"code": error.error_code, "message": error.message, "problems": listed}
        print(json.dumps({"error": body}, ensure_ascii=False), file=sys.stderr, flush=True)
        return
    width = max(40, min(100, shutil.get_terminal_size((80, 24)).columns))
    message = error.message
    if problems:
        # The same problems are in the sentence, for those who show only that; here each has its own line.
        message = message.partition(": ")[0].replace("site.yaml is not valid", "This cannot be done") + ":"
    lines = [f"Error: {message}"] + [f"  {explained(problem)}" for problem in problems]
    lines[-1] += f" [{error.error_code}]"
    for line in lines:
        after = "    " if line.startswith("  ") else "  "
        print(
            textwrap.fill(line, width, subsequent_indent=after, break_long_words=False, break_on_hyphens=False),
            file=sys.stderr,
            flush=True,
        )


def sign(state: str) -> tuple[str, str]:
    """The sign of a state, and its colour."""
    fancy, plain, colour = SIGNS.get(state, ("·", "-", "default"))
    return (fancy if "utf" in (console().encoding or "").lower() else plain), colour


def state_text(state: str) -> Any:
    from rich.text import Text

    mark, colour = sign(state)
    return Text.assemble((mark, colour), " ", (state or "unknown", colour), no_wrap=True)


def table(
    titles: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Sequence[str] = (), firm: Sequence[str] = ()
) -> Table:
    """A table without lines. ``firm`` columns are never folded; ``right`` ones stand at the right."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for title in titles:
        made.add_column(title, justify="right" if title in right else "left", overflow="fold", no_wrap=title in firm)
    for row in rows:
        made.add_row(*(cell if hasattr(cell, "plain") else str(cell) for cell in row))
    return made


def facts(pairs: Iterable[tuple[str, Any]]) -> Table:
    """Names and values, one a line; empty values are left out."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    made.add_column(style="bright_black" if not os.environ.get("NO_COLOR") else "", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in pairs:
        if value not in ("", None, []):
            made.add_row(name, value if hasattr(value, "plain") else str(value))
    return made


def ago(moment: str | None, *, now: dt.datetime | None = None) -> str:
    """How long ago, in one unit; empty for no moment."""
    when = parsed(moment)
    if when is None:
        return ""
    return f"{span(((now or dt.datetime.now(dt.UTC)) - when).total_seconds())} ago"


def span(seconds: float) -> str:
    """A duration in one unit: 4 s, 12 min, 3 h, 5 d."""
    seconds = max(0.0, seconds)
    for limit, size, unit in ((120, 1, "s"), (7200, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{int(seconds / size)} {unit}"
    return f"{int(seconds / 86400)} d"


def parsed(moment: str | None) -> dt.datetime | None:
    if not moment:
        return None
    try:
        found = dt.datetime.fromisoformat(moment)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def counted(number: int, one: str, many: str = "") -> str:
    """ "1 site", "2 sites"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}".replace(",", " ")
