"""``python -m webstreet.engine COMMAND``: configured by the environment and site.yaml only."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback

from webstreet.engine.starting import fail, set_up
from webstreet.kernel.errors import BadInput, Broken, Unavailable, WebstreetError

COMMANDS = {
    "prepare": "check the configuration, migrate every database, make starter content; repeat it as you like",
    "serve": "answer HTTP requests until SIGTERM",
    "work": "run background tasks until SIGTERM",
    "import": "take over content and subscribers from another application",
    "export": "write everything the site holds as one archive",
    "login-link": "print a one-time link into the site's admin",
    "backup": "write a consistent copy of the site's databases and files",
    "manifest": "print what is in this release, as JSON",
    "manage": "run a command of Django",
}
WITHOUT_DJANGO = frozenset({"manifest"})


def parser(only: str = "") -> argparse.ArgumentParser:
    """Of all commands; the arguments of the others are left out when ``only`` one is to be run, and their modules with them."""
    top = argparse.ArgumentParser(prog="webstreet-engine", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        if name == "manage":
            commands.add_parser(name, help=text, add_help=False)
            continue
        sub = commands.add_parser(name, help=text, description=text)
        if name == only or only not in COMMANDS:
            _module(name).add_arguments(sub)
    return top


def _module(name: str):  # type: ignore[no-untyped-def]
    return importlib.import_module(f"webstreet.engine.commands.{name.replace('import', 'import_').replace('-', '_')}")


def _run(options: argparse.Namespace) -> int | None:
    """Run the command; what the databases say is translated, because it names hosts, users and values."""
    from django.db import DatabaseError, NotSupportedError, OperationalError, connections

    try:
        code: int | None = _module(options.command).run(options)
        return code
    except NotSupportedError as error:
        # Django's own words, which name the version that is there and the one that is needed.
        failure: WebstreetError = BadInput(
            f"{str(error).strip()} Use a newer database server.", code="database.too_old"
        )
    except OperationalError as error:
        if not getattr(connections["default"], "is_away", lambda error: True)(error):
            raise _refused(error) from None
        alias = getattr(error, "alias", "")
        failure = (
            Unavailable(f"The database of {alias} does not answer: look at it, then repeat this.", code="store.down")
            if alias
            else Unavailable(
                "The site's database does not answer: check DATABASE_URL and the server, then repeat this.",
                code="database.unreachable",
            )
        )
    except DatabaseError as error:
        failure = _refused(error)
    raise failure


def _refused(error: Exception) -> Broken:
    place = (traceback.extract_tb(error.__traceback__) or [None])[-1]
    return Broken(
        f"The database refused a statement ({type(error).__name__}): run prepare, then repeat this.",
        code="database.refused",
        detail=str(place),
    )


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit code is 0, or 1 after a `Failure` line, or 2 for a wrong command line."""
    given = sys.argv[1:] if arguments is None else arguments
    os.environ["DJANGO_SETTINGS_MODULE"] = "webstreet.engine.settings"
    try:
        if given[:1] == ["manage"]:
            from django.core.management import execute_from_command_line

            execute_from_command_line(["webstreet-engine manage", *given[1:]])
            return 0
        options = parser(given[0] if given else "").parse_args(given)
        if options.command == "serve":
            # The process that listens holds no site in memory: the one that answers does.
            return _module("serve").run(options) or 0
        if options.command not in WITHOUT_DJANGO:
            set_up(with_hooks=options.command != "work")
        code: int | None = _run(options)
    except WebstreetError as error:
        return fail(error)
    return code or 0


if __name__ == "__main__":
    sys.exit(main())
