"""Help: every command has it, with an example, in 80 columns, at once."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from tests.cli.conftest import environment, run
from webstreet.cli.errors import EXIT_CODES
from webstreet.cli.main import app

EXPECTED = {
    "site customize",
    "site export", "dictionary atoms", "dictionary configuration", "dictionary settings", "dictionary customizations",
    "client add", "client list", "client show", "client remove",
    "site open", "site list", "site status", "site import", "site logs", "site suspend", "site resume", "site close", "site login",
    "site render", "atom list", "atom show", "template list", "template show", "control run", "control halt", "login", "version",
}  # fmt: skip


def walk(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every verb of the tree."""
    children = getattr(command, "commands", None)
    if children is None:
        yield path, command
        return
    for name, child in children.items():
        yield from walk(child, (*path, name))


COMMANDS = dict(walk(typer.main.get_command(app)))
names = pytest.mark.parametrize("path", COMMANDS, ids=" ".join)


def test_the_commands_are_all_there() -> None:
    assert {" ".join(path) for path in COMMANDS} == EXPECTED


@names
def test_a_command_has_a_sentence_and_an_example_that_parses(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    assert command.help, path
    examples = [line.strip() for line in (command.epilog or "").strip().splitlines()]
    assert examples, path
    assert any(f"webstreet {' '.join(path)}" in example for example in examples)


@names
def test_a_command_can_speak_json(path: tuple[str, ...]) -> None:
    assert any("--json" in parameter.opts for parameter in COMMANDS[path].params), path


@names
def test_no_command_takes_a_secret_as_an_argument(path: tuple[str, ...]) -> None:
    given = {option for parameter in COMMANDS[path].params for option in parameter.opts}
    assert not {o for o in given if re.search("key|password|token|secret|database-url", o) and not o.endswith("-file")}


def test_help_fits_80_columns_and_names_the_exit_codes(tmp_path: Path) -> None:
    for path in [(), ("site",), ("site", "open"), ("client", "add")]:
        shown = run(tmp_path, *path, "--help", COLUMNS="80")
        assert shown.code == 0
        assert max(map(len, shown.out.splitlines())) <= 80
        assert all(f"{code} {meaning}" in shown.out for code, meaning in EXIT_CODES.items())
        assert "Examples" in shown.out
        assert "\033" not in shown.out


def test_help_waits_for_no_library_that_it_does_not_need() -> None:
    """That is what keeps it fast: measured, an answer takes 0.15 s; with httpx and rich a second."""
    code = """
import sys
from webstreet.cli.main import run
code = run(["site", "open", "--help"])
heavy = {"httpx", "rich.table", "django", "webstreet.contract", "yaml"} & set(sys.modules)
sys.exit(str(heavy) if heavy or code else 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_completion_can_be_shown(tmp_path: Path) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "webstreet")],
        env=environment(tmp_path, _WEBSTREET_COMPLETE="complete_bash", COMP_WORDS="webstreet site ", COMP_CWORD="2"),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert {"open", "close", "status"} <= set(done.stdout.split())


def test_the_version_is_an_option_too(tmp_path: Path) -> None:
    shown = run(tmp_path, "--version")
    assert (shown.code, shown.out) == (0, run(tmp_path, "version").out)


def test_the_example_of_login_leads_to_the_sites() -> None:
    assert "--next /console/sites/site/" in (COMMANDS[("login",)].epilog or "")
