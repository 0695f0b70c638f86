"""``webstreet control``: the control plane on this machine."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from webstreet.cli.access import running_control
from webstreet.cli.errors import ControlBusy
from webstreet.cli.help import Command, Group
from webstreet.cli.options import Json
from webstreet.cli.output import note, say, show_json

HALT_WITHIN_S = 20.0

app = typer.Typer(
    name="control",
    cls=Group,
    help="The control plane on this machine: start it, stop it.",
    epilog="""
        webstreet control run
        webstreet control halt
    """,
    no_args_is_help=True,
)


@app.command(
    "run",
    cls=Command,
    epilog="""
        webstreet control run
        webstreet control run --port 9000
        WEBSTREET_STATE=/srv/webstreet webstreet control run
    """,
)
def run(
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0: a free one.")] = 8000,
    as_json: Json = False,
) -> None:
    """Run the control plane in this terminal, until Ctrl-C.

    Its state is kept in WEBSTREET_STATE (~/.local/share/webstreet). Sites go on without it. With --json, the process id is
    printed first and everything else goes to standard error.
    """
    command = [sys.executable, "-m", "webstreet.control", "run", "--host", host, "--port", str(port)]
    if as_json:
        show_json({"pid": os.getpid(), "command": command})
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    os.execv(sys.executable, command)


@app.command(
    "halt",
    cls=Command,
    epilog="""
        webstreet control halt
        webstreet control halt --sites
    """,
)
def halt(
    sites: Annotated[
        bool, typer.Option("--sites", help="Stop the sites of this machine too; their data stays.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Stop the control plane of this machine.

    Sites go on without it, unless --sites is given; the next run starts those again.
    """
    pid = _pid()
    if pid:
        _end(pid)
    if sites:
        _halt_sites(quiet=as_json)
    if as_json:
        show_json({"stopped": bool(pid), "pid": pid, "sites_stopped": sites})
    elif pid:
        say("The control plane is stopped." + ("" if sites else " Sites go on without it."))
    else:
        say("No control plane runs here.")


def _halt_sites(*, quiet: bool) -> None:
    import subprocess

    command = [sys.executable, "-m", "webstreet.control", "halt"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        why = " ".join(done.stderr.split()).removeprefix("Error: ") or "it gave no reason"
        raise ControlBusy(f"The sites of this machine could not be stopped: {why}")
    if not quiet and done.stdout.strip():
        note(done.stdout.strip())


def _pid() -> int | None:
    """The process that ``control.json`` names, if it is a control plane: numbers are used again by other programs."""
    pid = running_control().get("pid")
    if not isinstance(pid, int):
        return None
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except FileNotFoundError:
        return None
    return (
        pid if b"webstreet.control" in b" ".join(command).replace(b"webstreet-control", b"webstreet.control") else None
    )


def _end(pid: int) -> None:
    """SIGTERM, then wait for its end."""
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return
    except PermissionError:
        raise ControlBusy(f"The control plane (process {pid}) belongs to another user: stop it as that user.") from None
    deadline = time.monotonic() + HALT_WITHIN_S
    while _runs(pid):
        if time.monotonic() > deadline:
            raise ControlBusy(
                f"The control plane (process {pid}) did not stop within {HALT_WITHIN_S:g} s."
                f" Nothing is lost by ending it: kill -9 {pid}"
            )
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")
