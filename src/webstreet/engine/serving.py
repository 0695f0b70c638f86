"""granian, on a listening socket that somebody else opened.

A swap of processes without a lost request needs one listening socket that outlives them (two sockets by SO_REUSEPORT lose the
connections that wait in the backlog of the one that goes). granian has no option for it, so `InheritedSocketServer` overrides
the one method that opens the socket. That is private API: granian's version is pinned and ``tests/engine/test_serving.py``
swaps processes under load.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import socket
from typing import Any

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

logger = logging.getLogger(__name__)
THREADS = 6
GRACE_S = 30
BACKLOG = 1024
PR_SET_PDEATHSIG = 1  # prctl(2)


class InheritedSocketServer(MPServer):
    """Serves on the file descriptor ``fd`` and leaves the socket open for its owner when it ends."""

    def __init__(self, *, fd: int, **options: Any) -> None:
        super().__init__(**options)
        self._inherited_fd = fd

    def _init_shared_socket(self) -> None:
        # A copy of our own: granian closes what it is given, the owner's socket goes on listening.
        own = os.dup(self._inherited_fd)
        os.set_inheritable(own, True)
        held = socket.socket(fileno=own)
        held.setblocking(False)
        # Three names by which granian knows the same socket (2.8: MPServer._init_shared_socket).
        vars(self).update(_ssp=None, _shd=_holder(own), _sfd=own, _sso=held)


def _holder(fd: int) -> SocketHolder:
    return SocketHolder(fd, False, BACKLOG)  # type: ignore[call-arg]  # granian's stub leaves the arguments out


def _application() -> Any:
    """Called in the process that serves: it must not outlive its parent, or it would hold the socket as nobody's child."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        raise SystemExit(1)
    from webstreet.engine.announcing import application

    return application()


def serve(*, fd: int | None, host: str, port: int) -> int:
    """Serve the site until SIGTERM or SIGINT, then finish the requests in flight; returns the exit code.

    Args:
        fd: an inherited, listening TCP socket; None to open ``host:port``.
    """
    options: dict[str, Any] = {
        "target": "webstreet.engine.announcing:application",
        "interface": Interfaces.WSGI,
        "workers": 1,
        "blocking_threads": THREADS,
        "runtime_threads": 1,
        "loop": Loops.asyncio,
        "http": HTTPModes.http1,
        "http1_settings": HTTP1Settings(header_read_timeout=15_000),
        "websockets": False,
        "backlog": BACKLOG,
        "workers_kill_timeout": GRACE_S,
        "log_access": False,
        "log_level": LogLevels.error,
        "log_dictconfig": {
            "version": 1,
            "disable_existing_loggers": False,
            "loggers": {"_granian": {}},
        },
    }
    if fd is None:
        server = MPServer(address=host, port=port, **options)
    else:
        server = InheritedSocketServer(fd=fd, **options)
    logger.info("web.started")
    server.serve(target_loader=_application, wrap_loader=False)
    logger.info("web.stopped")
    return 0
