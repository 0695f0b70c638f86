"""The limit: granian with the engine's options, answering a constant body. ``python -m benchmarks.constant PORT BYTES``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

from granian.constants import HTTPModes, Interfaces, Loops
from granian.server.mp import MPServer

from webstreet.engine.serving import THREADS

BODY = b"x" * int(sys.argv[2] if len(sys.argv) > 2 else 0)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    headers = [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(BODY)))]
    start_response("200 OK", headers)
    return [BODY]


def main() -> None:
    MPServer(
        target="benchmarks.constant:application",
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        runtime_threads=1,
        loop=Loops.asyncio,
        http=HTTPModes.http1,
        websockets=False,
        backlog=1024,
        log_access=False,
        log_enabled=False,
    ).serve()


if __name__ == "__main__":
    main()
