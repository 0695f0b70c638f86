"""``serve``: the site's web server."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fd", type=int, help="file descriptor of an inherited listening socket")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)


def run(options: argparse.Namespace) -> int:
    from webstreet.engine.serving import serve

    return serve(fd=options.fd, host=options.host, port=options.port)
