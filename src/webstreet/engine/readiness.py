"""Accept visitors only when ready, and say so: the protocol of sd_notify(3), spoken by systemd and by our own supervisor.

The new processes of a site share the listening socket with the old ones. If they accepted before they were ready, or never got
ready, readers would notice; so granian gets the application only after ``/-/ready`` answered 200 inside this process.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any
from wsgiref.util import setup_testing_defaults

from webstreet.contract.health import READY_PATH

PAUSE_S = 0.5

Application = Callable[[dict[str, Any], Callable[..., Any]], Any]


def application() -> Application:
    """The WSGI application, at once if nobody listens for our readiness; otherwise when it is ready."""
    from webstreet.engine.wsgi import application as site

    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        while (problem := not_ready(site)) is not None:
            tell(address, f"STATUS={problem}")
            time.sleep(PAUSE_S)
        tell(address, "READY=1")
    return site


def not_ready(site: Application) -> str | None:
    """Ask the application for ``/-/ready`` as a visitor would; None if it is ready, else what is missing."""
    environ: dict[str, Any] = {"PATH_INFO": READY_PATH, "REMOTE_ADDR": "127.0.0.1", "wsgi.input": BytesIO()}
    setup_testing_defaults(environ)
    status: list[str] = []
    response = site(environ, lambda line, headers, exc_info=None: status.append(line))
    try:
        body = b"".join(response)
    finally:
        if hasattr(response, "close"):
            response.close()
    if status and status[0].startswith("200"):
        return None
    with contextlib.suppress(ValueError, KeyError, TypeError):
        parts = [part for part in json.loads(body)["parts"] if part["needed"] and not part["ok"]]
        return "; ".join(f"{part['name']}: {part['note'] or 'not ready'}" for part in parts) or "not ready"
    return f"answers {status[0] if status else 'nothing'}"


def tell(address: str, message: str) -> None:
    """Send one message; nobody listening any more is no error."""
    target = "\0" + address[1:] if address.startswith("@") else address
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as ear:
        ear.sendto(message.encode(), target)
