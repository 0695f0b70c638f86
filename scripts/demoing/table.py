"""A table that grows by one row a step: what was done, how long it took, what was seen."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from webstreet.kernel.errors import WebstreetError

NAME_WIDTH = 36
TIME_WIDTH = 7


class StepFailed(WebstreetError):
    """A step of the demo did not show what it should."""

    code = "demo.step_failed"

    def __init__(self, step: str, cause: BaseException) -> None:
        why = getattr(cause, "message", "") or str(cause) or type(cause).__name__
        super().__init__(f'The step "{step}" failed. {why}', code=getattr(cause, "error_code", None))
        self.step = step


@dataclass
class Row:
    name: str
    took_s: float = 0.0
    seen: str = ""
    ok: bool = True

    def saw(self, text: str) -> None:
        """Add to what is shown at the right."""
        self.seen = f"{self.seen}; {text}" if self.seen else text


class Table:
    """Prints each row when its step ends; on a terminal also while it runs."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._live = sys.stdout.isatty()
        self._colour = self._live and not os.environ.get("NO_COLOR")
        self._fancy = "utf" in (sys.stdout.encoding or "").lower()

    def head(self, title: str) -> None:
        print(f"{self.bold(title)}\n", flush=True)
        print(self.bold(f"    {'Step':<{NAME_WIDTH}}{'Time':>{TIME_WIDTH}}   Seen"), flush=True)

    @contextmanager
    def step(self, name: str) -> Iterator[Row]:
        """One step. Whatever goes wrong inside becomes `StepFailed` with its name."""
        row = Row(name)
        began = time.monotonic()
        if self._live:
            print(f"  {'…' if self._fancy else '.'} {name}", end="", flush=True)
        try:
            yield row
        except (WebstreetError, OSError, AssertionError) as error:
            row.ok = False
            raise StepFailed(name, error) from error
        except BaseException:
            row.ok = False
            row.saw("stopped here")
            raise
        finally:
            row.took_s = time.monotonic() - began
            self.rows.append(row)
            self._print(row)

    def _print(self, row: Row) -> None:
        width = max(80, min(110, shutil.get_terminal_size((80, 24)).columns))
        left = 4 + NAME_WIDTH + TIME_WIDTH + 3
        lines = textwrap.wrap(row.seen, width - left, break_long_words=False, break_on_hyphens=False) or [""]
        sign = ("✓" if row.ok else "✗") if self._fancy else ("+" if row.ok else "x")
        start = f"  {self.colour(sign, 32 if row.ok else 31)} {row.name:<{NAME_WIDTH}}"
        print(("\r\033[K" if self._live else "") + f"{start}{row.took_s:>{TIME_WIDTH - 2}.1f} s   {lines[0]}".rstrip())
        for line in lines[1:]:
            print(" " * left + line)
        sys.stdout.flush()

    def bold(self, text: str) -> str:
        return f"\033[1m{text}\033[0m" if self._colour else text

    def colour(self, text: str, number: int) -> str:
        return f"\033[{number}m{text}\033[0m" if self._colour else text

    def link(self, address: str) -> str:
        return self.colour(address, 36)
