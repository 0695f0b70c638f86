"""``login-link``: a one-time link into the site's admin."""

from __future__ import annotations

import argparse

from webstreet.contract.jobs import LoginLink
from webstreet.engine.commands import emit, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--email", default="", help="the editor's address; else the site's first editor")
    parser.add_argument(
        "--create", action="store_true", help="make an editor with every right if none has this address"
    )
    parser.add_argument(
        "--reset-second-factor",
        action="store_true",
        help="the editor lost it: remove app, passkeys and recovery codes, and end their sessions",
    )
    parser.add_argument("--next", default="", help="path of the page to arrive at, as in /admin/pages/")


def run(options: argparse.Namespace) -> None:
    from webstreet.engine.login import make_link
    from webstreet.engine.site import absolute

    path, expires_at = make_link(options.email, options.next, create=options.create, reset=options.reset_second_factor)
    emit(LoginLink(path=path, expires_at=expires_at.isoformat(timespec="seconds")))
    say(f"Open within ten minutes: {absolute(path)}")
