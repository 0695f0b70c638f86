"""What ``--help`` looks like: one sentence, usage, examples, then the details; 80 columns, no boxes, no library to wait for."""

from __future__ import annotations

import copy
import os
import shutil
import sys
import textwrap
from typing import Any

from typer.core import TyperCommand, TyperGroup

from webstreet.cli.errors import EXIT_CODES

SHARED = ("url", "key_file")
"""Options of the program that every noun and verb takes too, wherever they are typed."""

COLUMNS = 80
_PLACE = 28


def _bold(text: str) -> str:
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty()
    return text if plain else f"\033[1m{text}\033[0m"


def _width() -> int:
    return max(40, min(COLUMNS, shutil.get_terminal_size((COLUMNS, 24)).columns))


def paragraphs(text: str) -> str:
    """Wrap each paragraph; blank lines keep them apart."""
    blocks = (" ".join(block.split()) for block in textwrap.dedent(text).strip().split("\n\n"))
    return "\n\n".join(textwrap.fill(block, _width(), break_on_hyphens=False) for block in blocks)


def definitions(rows: list[tuple[str, str]]) -> str:
    """Two columns; a term too long for the first stands on a line of its own."""
    place = min(_PLACE, max((len(term) for term, _ in rows), default=0) + 4)
    lines = []
    for term, meaning in rows:
        wrapped = textwrap.wrap(meaning, _width() - place, break_on_hyphens=False) or [""]
        if len(term) + 4 > place:
            lines.append(f"  {term}")
        else:
            lines.append(f"  {term:<{place - 2}}{wrapped.pop(0)}")
        lines += [" " * place + line for line in wrapped]
    return "\n".join(lines)


def exit_codes() -> str:
    # A code stays on the line of its meaning.
    text = ", ".join(f"{code} {meaning}".replace(" ", "\x00") for code, meaning in EXIT_CODES.items())
    return textwrap.fill(text, _width(), initial_indent="  ", subsequent_indent="  ").replace("\x00", " ")


def _section(title: str, body: str) -> str:
    return f"{_bold(title)}\n{body}\n" if body else ""


def _examples(epilog: str | None) -> str:
    return "\n".join(f"  {line.strip()}" for line in (epilog or "").strip().splitlines())


def _options(command: Any, ctx: Any) -> str:
    rows = [
        record for p in command.get_params(ctx) if (record := p.get_help_record(ctx)) and p.param_type_name == "option"
    ]
    return definitions([(term, " ".join(meaning.split())) for term, meaning in rows])


def _arguments(command: Any, ctx: Any) -> str:
    found = [p for p in command.get_params(ctx) if p.param_type_name == "argument" and getattr(p, "help", None)]
    return definitions([(p.metavar or p.name.upper(), p.help) for p in found])


def _usage(command: Any, ctx: Any, tail: str) -> str:
    names = [p.metavar or p.name.upper() for p in command.get_params(ctx) if p.param_type_name == "argument"]
    line = " ".join([ctx.command_path, *names, tail])
    return textwrap.fill(line, _width(), initial_indent="  ", subsequent_indent="      ", break_on_hyphens=False)


def shared_options(ctx: Any) -> list[Any]:
    """Copies of the program's own options that keep what they are given in the session."""
    if ctx.parent is None:
        return []
    found = [copy.copy(p) for p in ctx.find_root().command.params if p.name in SHARED]
    for option in found:
        option.expose_value, option.callback = False, _keep
    return found


def _keep(ctx: Any, option: Any, value: str) -> str:
    if value and ctx.obj is not None:
        setattr(ctx.obj, option.name, value)
    return value


class Command(TyperCommand):
    """A verb. Its ``epilog`` holds its examples, one a line."""

    def get_params(self, ctx: Any) -> list[Any]:
        return [*super().get_params(ctx), *shared_options(ctx)]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        parts = [
            paragraphs(self.help or "") + "\n",
            _section("Usage", _usage(self, ctx, "[OPTIONS]")),
            _section("Examples", _examples(self.epilog)),
            _section("Arguments", _arguments(self, ctx)),
            _section("Options", _options(self, ctx)),
            _section("Exit codes", exit_codes()),
        ]
        formatter.write("\n".join(part for part in parts if part))


class Group(TyperGroup):
    """A noun with its verbs, in the order in which they are written down; nouns come before verbs."""

    def get_params(self, ctx: Any) -> list[Any]:
        return [*super().get_params(ctx), *shared_options(ctx)]

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(self.commands, key=lambda name: not isinstance(self.commands[name], TyperGroup))

    def _listed(self, ctx: Any) -> list[tuple[str, Any]]:
        return [(name, self.commands[name]) for name in self.list_commands(ctx)]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        verbs = [(name, command.get_short_help_str(200)) for name, command in self._listed(ctx) if not command.hidden]
        parts = [
            paragraphs(self.help or "") + "\n",
            _section("Usage", _usage(self, ctx, "COMMAND [OPTIONS]")),
            _section("Commands", definitions(verbs)),
            _section("Examples", _examples(self.epilog)),
            _section("Options", _options(self, ctx)),
            _section("Exit codes", exit_codes()),
        ]
        formatter.write("\n".join(part for part in parts if part))
