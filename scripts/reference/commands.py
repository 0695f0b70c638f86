"""cli.md, from the command line's own tree of commands."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

HEAD = """# Commands

`webstreet NOUN VERB` speaks to the control plane's API, here or on another machine. Every command takes `--help`, which also shows
examples. Commands that read take `--json`.

The control plane is found by `--url` and `--key-file`, else by `WEBSTREET_URL` and `WEBSTREET_KEY_FILE`, else it is the one on this
machine.
"""


def pages() -> dict[str, str]:
    from typer.main import get_command

    from webstreet.cli.errors import EXIT_CODES
    from webstreet.cli.main import app

    root = get_command(app)
    parts = [
        HEAD,
        "## Options of every command\n",
        "`--url` and `--key-file` may stand before the noun or after the verb.\n",
        _options(root),
        "\n## Exit codes\n",
        "| Code | Meaning |",
        "|---|---|",
    ]
    parts += [f"| {code} | {text} |" for code, text in _codes(EXIT_CODES)]
    for name, command in _commands(root, "webstreet"):
        parts.append(f"\n## `{name}`\n\n{inspect.cleandoc(command.help or '')}\n")
        parts.append(f"```console\n$ {_usage(name, command)}\n```\n")
        parts.append(_options(command))
        if command.epilog:
            parts.append(f"Examples:\n\n```console\n{_prompted(command.epilog)}\n```")
    return {"reference/cli.md": "\n".join(part.rstrip(" ") for part in parts).rstrip() + "\n"}


def _codes(table: Any) -> list[tuple[str, str]]:
    items = table.items() if hasattr(table, "items") else table
    return [(str(int(code)), str(text)) for code, text in items]


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if not inner:
        yield name, command
        return
    for sub in sorted(inner):
        if not inner[sub].hidden:
            yield from _commands(inner[sub], f"{name} {sub}")


def _usage(name: str, command: Any) -> str:
    arguments = [_metavar(p) for p in command.params if p.param_type_name == "argument"]
    return " ".join([name, "[OPTIONS]", *arguments])


def _prompted(text: str) -> str:
    return "\n".join(f"$ {line}" for line in inspect.cleandoc(text).strip().splitlines())


def _metavar(parameter: Any) -> str:
    name = str(parameter.metavar or parameter.name.upper())
    return name if parameter.required else f"[{name}]"


def _default(parameter: Any) -> str:
    """What holds when the option is not given, unless that is nothing at all."""
    value = parameter.default
    if value in (None, "", False) or callable(value):
        return ""
    if value is True and parameter.secondary_opts:
        value = parameter.opts[0]
    shown = f"{value:g}" if isinstance(value, float) else str(getattr(value, "value", value))
    return f"Default: `{shown}`."


def _options(command: Any) -> str:
    rows = []
    for parameter in command.params:
        if getattr(parameter, "hidden", False):
            continue
        text = " ".join((getattr(parameter, "help", "") or "").split()).replace("|", "\\|")
        if parameter.param_type_name == "argument":
            rows.append(f"| `{_metavar(parameter)}` | {text} |")
        else:
            value = f" {parameter.metavar}" if parameter.metavar else ""
            flags = ", ".join(f"`{flag}{value}`" for flag in [*parameter.opts, *parameter.secondary_opts])
            rows.append(f"| {flags} | {' '.join([text, _default(parameter)]).strip()} |")
    return "| Argument, option | Meaning |\n|---|---|\n" + "\n".join(rows) + "\n" if rows else ""
