"""``python -m webstreet.engine COMMAND``: configured by the environment and site.yaml only."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback

from webstreet.contract.jobs import Failure
from webstreet.engine.commands import emit, say
from webstreet.kernel.errors import Broken, DocumentInvalid, Unavailable, WebstreetError

COMMANDS = {
    "prepare": "check the configuration, migrate every database, make starter content; repeat it as you like",
    "serve": "answer HTTP requests until SIGTERM",
    "work": "run background tasks until SIGTERM",
    "import": "take over articles and subscribers from another application",
    "login-link": "print a one-time link into the site's admin",
    "backup": "write a consistent copy of the site's databases and files",
    "manifest": "print what is in this release, as JSON",
    "manage": "run a command of Django",
}
WITHOUT_DJANGO = frozenset({"manifest", "manage"})


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="webstreet-engine", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        if name == "manage":
            commands.add_parser(name, help=text, add_help=False)
            continue
        sub = commands.add_parser(name, help=text, description=text)
        _module(name).add_arguments(sub)
    return top


def _module(name: str):  # type: ignore[no-untyped-def]
    return importlib.import_module(f"webstreet.engine.commands.{name.replace('import', 'import_').replace('-', '_')}")


def _run(options: argparse.Namespace) -> int | None:
    """Run the command; what the databases say is translated, because it names hosts, users and values."""
    from django.db import DatabaseError, OperationalError

    try:
        code: int | None = _module(options.command).run(options)
        return code
    except OperationalError as error:
        alias = getattr(error, "alias", "")
        failure: WebstreetError = (
            Unavailable(f"The database of {alias} does not answer: look at it, then repeat this.", code="store.down")
            if alias
            else Unavailable(
                "The site's database does not answer: check DATABASE_URL and the server, then repeat this.",
                code="database.unreachable",
            )
        )
    except DatabaseError as error:
        place = (traceback.extract_tb(error.__traceback__) or [None])[-1]
        failure = Broken(
            f"The database refused a statement ({type(error).__name__}): run prepare, then repeat this.",
            code="database.refused",
            detail=str(place),
        )
    raise failure


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit code is 0, or 1 after a `Failure` line, or 2 for a wrong command line."""
    given = sys.argv[1:] if arguments is None else arguments
    os.environ["DJANGO_SETTINGS_MODULE"] = "webstreet.engine.settings"
    try:
        if given[:1] == ["manage"]:
            from django.core.management import execute_from_command_line

            execute_from_command_line(["webstreet-engine manage", *given[1:]])
            return 0
        options = parser().parse_args(given)
        if options.command not in WITHOUT_DJANGO:
            import django

            django.setup()
        code: int | None = _run(options)
    except WebstreetError as error:
        problems = []
        if isinstance(error, DocumentInvalid):
            problems = [{"path": p.path, "rule": p.rule, "suggestion": p.suggestion} for p in error.problems]
        emit(Failure(code=error.error_code, message=error.message, problems=problems))
        say(str(error))
        return 1
    return code or 0


if __name__ == "__main__":
    sys.exit(main())
