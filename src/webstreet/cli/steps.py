"""Long work, shown step by step with the time each took: live on a terminal, one line a finished step elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

from webstreet.cli.output import note, progress_console

TICK, CROSS = "✓", "✗"


class Steps:
    """Shows what is being done, on standard error.

    with Steps("Opening acme/blog") as steps:
        steps.now("The wish is recorded")        # begins a step, and ends the one before
        steps.detail("3 of 20")                  # what is seen of the current one

    Args:
        quiet: show nothing (``--json``).
    """

    def __init__(self, title: str, *, quiet: bool = False) -> None:
        self._title, self._quiet = title, quiet
        self._began = time.monotonic()
        self._done: list[tuple[str, str, float]] = []
        self._current = ""
        self._current_began = 0.0
        self._detail = ""
        self._live: Any = None
        encoding = (sys.stderr.encoding or "").lower()
        self._tick, self._cross = (TICK, CROSS) if "utf" in encoding else ("+", "x")

    @property
    def current(self) -> str:
        return self._current

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._began

    def now(self, step: str) -> None:
        """Begin ``step``, unless it is the current one already."""
        if step == self._current:
            return
        self.finish()
        self._current, self._current_began, self._detail = step, time.monotonic(), ""
        self._refresh()

    def detail(self, text: str) -> None:
        if text != self._detail:
            self._detail = text
            self._refresh()

    def finish(self, *, mark: str = "") -> None:
        """End the current step."""
        if not self._current:
            return
        took = time.monotonic() - self._current_began
        entry = (mark or self._tick, self._current, took)
        self._done.append(entry)
        self._current = self._detail = ""
        if self._live is None and not self._quiet:
            note(f"  {entry[0]} {entry[1]}  {took:.1f} s")

    def __enter__(self) -> Steps:
        if self._quiet:
            return self
        console = progress_console()
        if not console.is_terminal:
            note(self._title)
            return self
        from rich.live import Live

        self._live = Live(self, console=console, refresh_per_second=8, transient=False)
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish(mark=self._cross if kind else "")
        if self._live is not None:
            self._live.refresh()
            self._live.stop()
            self._live = None

    def _refresh(self) -> None:
        if self._live is not None:
            self._live.refresh()

    def __rich__(self) -> Any:
        from rich.console import Group
        from rich.spinner import Spinner
        from rich.table import Table
        from rich.text import Text

        rows = Table.grid(padding=(0, 2, 0, 0))
        rows.add_column()
        rows.add_column(overflow="fold")
        rows.add_column(justify="right", no_wrap=True)
        for mark, step, took in self._done:
            colour = "red" if mark == self._cross else "green"
            rows.add_row(Text(f"  {mark}", style=colour), step, Text(f"{took:.1f} s", style="bright_black"))
        if self._current:
            took = time.monotonic() - self._current_began
            text = Text(self._current)
            if self._detail:
                text.append(f"  {self._detail}", style="bright_black")
            turning: Any = Spinner("dots").render(time.monotonic())
            rows.add_row(Text.assemble("  ", turning), text, Text(f"{took:.1f} s", style="bright_black"))
        return Group(Text(self._title, style="bold"), rows)
