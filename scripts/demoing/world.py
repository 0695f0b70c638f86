"""What the demo starts, and how it ends without leaving anything behind."""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from webstreet.cli import main as cli
from webstreet.cli.output import counted
from webstreet.kernel.errors import Conflict, WebstreetError
from webstreet.kernel.process import die_with_parent
from webstreet.testing.mailbox import Mailbox

HOST = "127.0.0.1"
CONTROL_WITHIN_S = 60.0
GONE_WITHIN_S = 60.0


class CommandFailed(WebstreetError):
    """A command of the CLI ended with another exit code than 0."""

    code = "demo.command_failed"


class RunsAlready(Conflict):
    """Another demo uses the same state folder."""

    code = "demo.runs_already"


class NotInTime(WebstreetError):
    """Something that was waited for did not happen."""

    code = "demo.not_in_time"


class LeftBehind(WebstreetError):
    """Processes or ports of the demo are still there after its end."""

    code = "demo.left_behind"


def eventually(look: Callable[[], Any], *, within_s: float, what: str) -> Any:
    """The first result of ``look`` that is not None or False. Raises `NotInTime`."""
    deadline = time.monotonic() + within_s
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise NotInTime(f"{what} did not happen within {within_s:g} s.")
        time.sleep(0.1)


def free_port(first: int, last: int) -> int:
    """The first port of a range on which nobody listens."""
    for port in range(first, last + 1):
        with contextlib.suppress(OSError), socket.create_server((HOST, port)):
            return port
    raise NotInTime(f"No port between {first} and {last} is free on {HOST}. End what listens there.")


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


class World:
    """The mailbox, the control plane and its sites, in one state folder.

    Args:
        state: the folder of everything.
        keep_mails: whether mails are found again at the next start.
    """

    def __init__(self, state: Path, *, keep_mails: bool) -> None:
        self.state = state
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = (state / "demo.lock").open("a+")
        self._take_lock()
        self.control_log = state / "control.log"
        self.mailbox = self._mailbox(keep_mails)
        self.control: subprocess.Popen[bytes] | None = None
        self.control_url = ""
        self.pids: set[int] = set()
        self.ports: set[int] = set()
        for name in ("WEBSTREET_URL", "WEBSTREET_KEY_FILE"):
            os.environ.pop(name, None)
        os.environ["WEBSTREET_STATE"] = str(state)

    def _take_lock(self) -> None:
        """Held until this process ends."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.seek(0)
            raise RunsAlready(
                f"A demo runs already in {self.state} (process {self._lock.read().strip() or 'unknown'})."
                " Stop it with Ctrl-C, or name another folder: DEMO_STATE=FOLDER make demo"
            ) from None
        self._lock.truncate(0)
        self._lock.write(str(os.getpid()))
        self._lock.flush()

    def _mailbox(self, keep_mails: bool) -> Mailbox:
        if not keep_mails:
            return Mailbox()
        # The site keeps the mail server's address, so its port is chosen once.
        chosen = self.state / "smtp.port"
        if not chosen.exists():
            chosen.write_text(str(free_port(10250, 10299)))
        return Mailbox(smtp_port=int(chosen.read_text()), http_port=free_port(8025, 8099), keep=self.state / "mails")

    # Starting

    def start_mailbox(self) -> None:
        self.mailbox.__enter__()
        self.ports |= {self.mailbox.smtp_port, self.mailbox.http_port}

    def start_control(self, port: int) -> None:
        """Start the control plane; it ends with us, however we end."""
        command = [sys.executable, "-m", "webstreet.cli.main", "control", "run", "--host", HOST, "--port", str(port)]
        # Every site that is opened, also by hand, mails into the mailbox.
        environment = {**os.environ, "WEBSTREET_SITE_EMAIL_URL": self.mailbox.smtp_url}
        with self.control_log.open("ab") as log:
            self.control = subprocess.Popen(
                command,
                env=environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=partial(die_with_parent, os.getpid()),
            )
        self.pids.add(self.control.pid)

    def await_control(self) -> str:
        """Its address, once its API answers."""
        import httpx

        def look() -> str | None:
            if self.control is not None and self.control.poll() is not None:
                raise CommandFailed(f"The control plane ended with code {self.control.returncode}: {self.log_end()}")
            with contextlib.suppress(OSError, ValueError, KeyError, httpx.HTTPError):
                url = str(json.loads((self.state / "control.json").read_text())["url"])
                if httpx.get(f"{url}/api/v1/health", trust_env=False, timeout=2).status_code == 200:
                    return url
            return None

        self.control_url = eventually(look, within_s=CONTROL_WITHIN_S, what="An answer of the control plane")
        self.ports.add(urlsplit(self.control_url).port or 0)
        return self.control_url

    def log_end(self) -> str:
        lines = self.control_log.read_text("utf-8", "replace").strip().splitlines() if self.control_log.exists() else []
        return " / ".join(lines[-3:]) or "its log is empty"

    # Using

    def cli(self, *arguments: str) -> dict[str, Any]:
        """Run one command line of ``webstreet`` and return its JSON. Raises `CommandFailed` with its code and message."""
        os.environ["WEBSTREET_STATE"] = str(self.state)  # tests have several worlds
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = cli.run([*arguments, "--json"])
        if code:
            line = err.getvalue().strip().splitlines()[-1:] or ["{}"]
            with contextlib.suppress(ValueError, KeyError):
                said = json.loads(line[0])["error"]
                raise CommandFailed(f"webstreet {' '.join(arguments[:2])}: {said['message']}", code=said["code"])
            raise CommandFailed(f"webstreet {' '.join(arguments[:2])} ended with {code}: {err.getvalue()[-300:]}")
        found = json.loads(out.getvalue())
        return found if isinstance(found, dict) else {}

    def remember(self, site: dict[str, Any]) -> None:
        """Note what must be gone after the end."""
        self.pids |= {p["pid"] for p in site.get("processes") or () if p.get("pid")}
        if port := urlsplit(site.get("address") or "").port:
            self.ports.add(port)

    # Ending

    def stop(self) -> None:
        """Stop everything, in order. May be repeated."""
        control = self.control
        if control is not None:
            self.pids |= set(self._left()[0])
            # The control plane first: it would start again what it sees missing.
            control.terminate()
            try:
                control.wait(GONE_WITHIN_S)
            except subprocess.TimeoutExpired:
                control.kill()
                control.wait()
            with contextlib.suppress(WebstreetError):
                self.cli("control", "halt", "--sites")
            self.control = None
        self.mailbox.stop()

    def check_nothing_left(self) -> str:
        """That no process of ours runs and no port of ours listens. Raises `LeftBehind`."""
        deadline = time.monotonic() + GONE_WITHIN_S
        while True:
            processes, ports = self._left()
            if not processes and not ports:
                return (
                    f"{counted(len(self.pids), 'process', 'processes')} gone, {counted(len(self.ports), 'port')} closed"
                )
            if time.monotonic() > deadline:
                named = [f"process {pid} ({command})" for pid, command in processes.items()]
                raise LeftBehind(f"Still there: {', '.join([*named, *(f'port {port}' for port in ports)])}.")
            time.sleep(0.1)

    def _left(self) -> tuple[dict[int, str], list[int]]:
        mark = os.fsencode(self.state)
        found = {}
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                folder = Path("/proc") / entry
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").strip()
                # Ours by number, or a program of ours that was given the state folder, as an argument or in its environment.
                ours = int(entry) in self.pids or mark in command
                if command and (ours or (b"webstreet" in command and mark in (folder / "environ").read_bytes())):
                    found[int(entry)] = command.decode("utf-8", "replace")[:80]
        return found, [port for port in sorted(self.ports) if port and listens(port)]
