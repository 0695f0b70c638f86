"""``run``: the control plane as one tree of processes.

This process holds the lock of the state folder, runs the reconcile loop and the imports, and starts one child that serves the API
and the console. The child dies with it, however it ends. Sites are not part of the tree: they go on without it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from django.conf import settings

from webstreet.control import wake
from webstreet.control.reconcile.loop import Loop
from webstreet.control.state import State, write_address
from webstreet.kernel.clock import SystemClock
from webstreet.kernel.errors import Unavailable
from webstreet.kernel.process import die_with_parent

log = logging.getLogger(__name__)
STOP_WITHIN_S = 8.0
RESTART_AFTER_S = 1.0


class AddressTaken(Unavailable):
    """Something else listens where the API should."""

    code = "control.address_taken"


def free_address(host: str, port: int) -> int:
    """The port to listen on (0 chooses a free one), checked before anything is started."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise AddressTaken(
                f"The control plane cannot listen on {host}:{port}: {error.strerror}. Choose another with --port."
            ) from None
        return int(probe.getsockname()[1])


def run(host: str, port: int) -> int:
    """Serve until SIGTERM or SIGINT.

    Raises:
        StateLocked: another control plane uses the state folder.
        AddressTaken: the address is in use.
    """
    state: State = settings.STATE
    with state.lock():
        from webstreet.control.sites.actions import refresh_settings
        from webstreet.control.start import first_start

        port = free_address(host, port)
        first_start()
        refresh_settings(by="control")
        url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        stop, woken = threading.Event(), threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        web = _Web(host, port)
        threads = [
            threading.Thread(target=wake.listen, args=(state.wake, woken.set, stop), name="wake", daemon=True),
            *_workers(woken, stop),
        ]
        write_address(state, url=url)
        try:
            web.start()
            for thread in threads:
                thread.start()
            print(f"Control plane: {url}/console/  API: {url}/api/v1/docs  State: {state.root}", flush=True)
            web.keep(stop)
        finally:
            stop.set()
            woken.set()
            web.stop()
            _join(threads)
            state.address.unlink(missing_ok=True)
            state.wake.unlink(missing_ok=True)
        if any(state.processes.glob("sites/*/*/wanted.json")):
            print(
                "The control plane is stopped. Sites go on; to stop them too: webstreet control halt --sites",
                flush=True,
            )
    return 0


def _workers(woken: threading.Event, stop: threading.Event) -> list[threading.Thread]:
    """The threads that make wishes come true: the reconcile loop, and the imports."""
    from webstreet.control.places.models import make_local
    from webstreet.control.places.orchestrators import orchestrator_for
    from webstreet.control.sites.importing import Importer
    from webstreet.control.sites.seen import record_seen
    from webstreet.control.sites.wanted import wanted_sites

    orchestrator = orchestrator_for(make_local())
    importer = Importer(settings.STATE.spool, orchestrator)
    loop = Loop(wanted_sites, record_seen, orchestrator, SystemClock())
    return [
        _thread("reconcile", lambda: loop.run_forever(woken, stop)),
        _thread("imports", lambda: importer.run_forever(stop)),
    ]


def _thread(name: str, work: Callable[[], None]) -> threading.Thread:
    def guarded() -> None:
        try:
            work()
        except Exception:
            log.exception("%s ended; the control plane stops, so that whoever runs it starts it again", name)
            os.kill(os.getpid(), signal.SIGTERM)

    return threading.Thread(target=guarded, name=name, daemon=True)


def _join(threads: list[threading.Thread]) -> None:
    """Wait a little for work to end; what does not is cut off, which is safe at any moment."""
    deadline = time.monotonic() + STOP_WITHIN_S / 2
    for thread in threads:
        if thread.is_alive():
            thread.join(max(0.0, deadline - time.monotonic()))


class _Web:
    """The child that serves. Started again if it dies."""

    def __init__(self, host: str, port: int) -> None:
        self._command = [
            sys.executable, "-m", "webstreet.control", "web", "--host", host, "--port", str(port), "--parent", str(os.getpid()),
        ]  # fmt: skip
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        # A process group of its own: Ctrl-C in a terminal reaches us, and we end it in order.
        self._child = subprocess.Popen(self._command, process_group=0)

    def keep(self, stop: threading.Event) -> None:
        while not stop.wait(0.5):
            if self._child is not None and self._child.poll() is not None:
                log.error("the web process ended with %s; starting it again", self._child.returncode)
                stop.wait(RESTART_AFTER_S)
                if not stop.is_set():
                    self.start()

    def stop(self) -> None:
        child = self._child
        if child is None or child.poll() is not None:
            return
        child.terminate()
        try:
            child.wait(STOP_WITHIN_S / 2)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def web(host: str, port: int, parent: int) -> int:
    """The child: granian with one worker and few threads."""
    die_with_parent(parent)
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    os.environ["WEBSTREET_WEB_PARENT"] = str(os.getpid())
    server = Granian(
        "webstreet.control.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=min(8, 2 * (os.cpu_count() or 1) + 1),
        backpressure=32,
        workers_kill_timeout=2,
        respawn_failed_workers=True,
        websockets=False,
        log_access=False,
        log_level=LogLevels.warning,
        process_name=None,
    )
    server.serve()
    return 0
