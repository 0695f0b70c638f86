"""``python -m webstreet.control COMMAND``: starts, stops and maintains the control plane on this machine."""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from collections.abc import Sequence

from webstreet.kernel.errors import WebstreetError

HOST, PORT = "127.0.0.1", 8000
WIDTH = 80


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="webstreet-control", description="The Webstreet control plane on this machine."
    )
    commands = found.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="serve API and console, and keep the sites as they are wished")
    for command in (run, web := commands.add_parser("web", help=argparse.SUPPRESS)):
        command.add_argument("--host", default=HOST)
        command.add_argument(
            "--port", type=int, default=PORT, help="0 chooses a free one, which control.json then names"
        )
    web.add_argument("--parent", type=int, required=True)
    commands.add_parser("migrate", help="bring the database up to date and make what a first start needs")
    commands.add_parser(
        "halt", help="stop every site on this machine and keep its data; the next run starts them again"
    )
    link = commands.add_parser("login-link", help="print a link into the console: once, within ten minutes")
    link.add_argument("--next", default="", help="path of the console page to land on")
    link.add_argument(
        "--reset-second-factor", action="store_true", help="the operator lost it: remove it, and end all sessions"
    )
    key = commands.add_parser("key", help="make an API key and print it; it is never seen again")
    key.add_argument("--role", choices=["operator", "admin", "viewer"], required=True)
    key.add_argument("--client", default="", help="the client it is for; none for an operator")
    key.add_argument("--label", default="")
    backup = commands.add_parser("backup", help="back up a site while it serves, and print the folder of the backup")
    backup.add_argument("site", metavar="CLIENT/SITE")
    commands.add_parser("rotate-secrets", help="encrypt every stored secret with a new key")
    manage = commands.add_parser("manage", help="Django's own commands", add_help=False)
    manage.add_argument("arguments", nargs=argparse.REMAINDER)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webstreet.control.settings")
    os.umask(0o077)  # what we or a library of ours writes is nobody else's: databases, locks, what is beside them
    chosen = parser().parse_args(arguments)
    try:
        if chosen.command == "web":
            from webstreet.control.run import web

            return web(chosen.host, chosen.port, chosen.parent)
        import django

        django.setup()
        from webstreet.control import commands

        return commands.RUN[chosen.command](chosen)
    except WebstreetError as error:
        text = textwrap.fill(
            f"Error: {error}", WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
        )
        print(text, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
