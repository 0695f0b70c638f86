"""Starting, waking and ending the supervisors of sites, from the control plane's side."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time

from webstreet.control.orchestrators.base import OrchestratorError
from webstreet.control.orchestrators.processes.child import end_leftovers
from webstreet.control.orchestrators.processes.folder import PASSED_ON, Folder, read_json, runs, take_lock
from webstreet.control.orchestrators.processes.supervisor import ALREADY, LEFTOVER_GRACE_S, PORT_TAKEN

MODULE = "webstreet.control.orchestrators.processes.supervisor"
START_S, END_S = 30.0, 45.0


class SupervisorFailed(OrchestratorError):
    """The supervisor of a site could not be started or ended."""

    code = "orchestrator.supervisor_failed"


class PortTaken(OrchestratorError):
    """Another program listens on the port that was given to a site."""

    code = "orchestrator.port_taken"


def supervisor_pid(folder: Folder) -> int | None:
    """The pid of the site's supervisor, believed only with its start time and the machine's boot; None if none runs."""
    seen = read_json(folder.seen)
    return int(seen["pid"]) if seen and runs(seen) else None


def start(folder: Folder, site: str) -> None:
    """Start a supervisor unless one runs. Two at a time cannot: the second finds the first one's lock.

    Raises:
        PortTaken, SupervisorFailed: with what stood in the way.
    """
    command = [sys.executable, "-m", MODULE, str(folder.path)]
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            timeout=START_S, start_new_session=True, check=False, text=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise SupervisorFailed(
            f"The supervisor of {site} did not start within {START_S:.0f} s. It is tried again."
        ) from None
    except OSError as error:
        raise SupervisorFailed(
            f"The supervisor of {site} cannot be started: {error.strerror}. Check the machine's limits of processes and memory."
        ) from None
    if done.returncode in (0, ALREADY):
        return
    said = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
    if done.returncode == PORT_TAKEN:
        raise PortTaken(
            f"{site} cannot be started: its {said[0]}. End the other program that listens there; the site is tried again by itself."
        )
    raise SupervisorFailed(
        f"The supervisor of {site} did not start: {said[0]}. Check that its folder can be written and the disk is not full."
    )


def wake(folder: Folder) -> bool:
    """Tell the running supervisor to read its wish; False if none runs."""
    return _signal(folder, signal.SIGHUP) is not None


def end(folder: Folder, site: str) -> None:
    """End the supervisor and with it the site's processes; returns when it is gone."""
    pid = _signal(folder, signal.SIGTERM)
    deadline = time.monotonic() + END_S
    while pid is not None and supervisor_pid(folder) == pid:
        if time.monotonic() > deadline:
            _signal(folder, signal.SIGKILL)
            deadline = time.monotonic() + END_S
        time.sleep(0.02)
    _wait_for_lock(folder, site)
    end_leftovers(folder.path, LEFTOVER_GRACE_S)


def _wait_for_lock(folder: Folder, site: str) -> None:
    """A supervisor that was just being started has no pid to see yet, but the lock: it reads the wish and ends, or fails."""
    deadline = time.monotonic() + START_S
    while folder.run.is_dir():
        lock = take_lock(folder.lock)
        if lock is not None:
            os.close(lock)
            return
        if supervisor_pid(folder) is not None:
            _signal(folder, signal.SIGTERM)
        if time.monotonic() > deadline:
            raise SupervisorFailed(f"The supervisor of {site} does not end. Look for it in the list of processes.")
        time.sleep(0.02)


def _signal(folder: Folder, number: signal.Signals) -> int | None:
    pid = supervisor_pid(folder)
    if pid is None:
        return None
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return None
    try:
        if supervisor_pid(folder) != pid:  # asked again: now the handle cannot mean another process
            return None
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, number)
    finally:
        os.close(handle)
    return pid
