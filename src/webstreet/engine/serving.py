"""granian, on a listening socket that somebody else opened.

A swap of processes without a lost request needs one listening socket that outlives them (two sockets by SO_REUSEPORT lose the
connections that wait in the backlog of the one that goes). granian has no option for it, so `InheritedSocketServer` overrides
the one method that opens the socket, and the one that ends the workers: a worker told to end closes every connection from which it
has not read a request yet, so it must first have stopped accepting, and have had a moment to read. That is private API: granian's
version is pinned and ``tests/engine/test_serving.py`` swaps processes under load.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
import time
from typing import Any

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from webstreet.engine.logs import configure, logging_config
from webstreet.engine.starting import fail, set_up
from webstreet.kernel.errors import WebstreetError
from webstreet.kernel.process import die_with_parent

logger = logging.getLogger(__name__)
THREADS = 6
GRACE_S = 30
BACKLOG = 1024
DRAIN_S = 1.0
"""How long a connection that was accepted just before the end has to send its request."""


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

    def _stop_workers(self) -> None:
        for worker in self.wrks:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker._id(), signal.SIGUSR1)
        time.sleep(DRAIN_S)
        super()._stop_workers()


def stop_accepting() -> None:
    """Take no new connection in this process, while others go on listening on the same sockets.

    A listening socket shared between processes cannot be told to pause in one of them, and closing its descriptor under the event
    loop would make that loop spin. So each descriptor is made to mean another listening socket, at which nobody ever knocks.
    """
    nobody = socket.socket(socket.AF_UNIX)
    nobody.bind("")  # autobind: a name in Linux's abstract namespace (unix(7))
    nobody.listen(1)
    nobody.setblocking(False)
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            if _listens(int(name)) and int(name) != nobody.fileno():
                os.dup2(nobody.fileno(), int(name))


def _listens(fd: int) -> bool:
    with socket.socket(fileno=os.dup(fd)) as found:
        return bool(found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def _holder(fd: int) -> SocketHolder:
    return SocketHolder(fd, False, BACKLOG)  # type: ignore[call-arg]  # granian's stub leaves the arguments out


def _application() -> Any:
    """Called in the process that serves: it must not outlive its parent, or it would hold the socket as nobody's child."""
    die_with_parent(os.getppid())
    signal.signal(signal.SIGUSR1, lambda *_: stop_accepting())
    try:
        set_up()
    except WebstreetError as error:
        sys.exit(fail(error))
    from webstreet.engine.backends import patience
    from webstreet.engine.readiness import application

    patience.limit()
    return application()


def serve(*, fd: int | None, host: str, port: int) -> int:
    """Serve the site until SIGTERM or SIGINT, then finish the requests in flight; returns the exit code.

    This process listens and watches; Django is loaded by the one it starts, which answers (`_application`).

    Args:
        fd: an inherited, listening TCP socket; None to open ``host:port``.
    """
    configure(logging_config(os.environ.get("LOG_FORMAT", "plain")))
    options: dict[str, Any] = {
        "target": "webstreet.engine.readiness:application",
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
