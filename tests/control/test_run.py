"""``run`` as a tree of real processes: it starts, refuses a second, ends, and dies as one."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from webstreet.control import wake
from webstreet.control.state import State, StateLocked

START_WITHIN_S = 60


def until(true: Callable[[], Any], within_s: float = 20) -> Any:
    """Wait until ``true`` gives something true, and return it."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found = true()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {within_s} s")


class Control:
    """One ``run`` on a state folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        # A database of its own, whatever the suite runs on.
        self._environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"} | {
            "WEBSTREET_STATE": str(root)
        }
        self.process: subprocess.Popen[str] | None = None

    def command(self, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "webstreet.control", *arguments]
        return subprocess.run(
            command, env=self._environment, capture_output=True, text=True, timeout=60, umask=0o022, **more
        )

    def start(self) -> str:
        command = [sys.executable, "-m", "webstreet.control", "run", "--port", "0"]
        self.process = subprocess.Popen(
            command,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            umask=0o022,  # what many machines have
        )
        url = until(self.address, START_WITHIN_S)
        until(lambda: self.answers(url), START_WITHIN_S)
        return str(url)

    def address(self) -> str:
        """What this very process wrote, not one that was killed before it."""
        assert self.process
        assert self.process.poll() is None, self.process.communicate()[0]
        try:
            said = json.loads((self.root / "control.json").read_text())
        except FileNotFoundError:
            return ""
        return str(said["url"]) if said["pid"] == self.process.pid else ""

    def answers(self, url: str) -> bool:
        try:
            return httpx.get(f"{url}/api/v1/health", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def web(self, url: str) -> httpx.Client:
        key = (self.root / "operator.key").read_text().strip()
        return httpx.Client(base_url=f"{url}/api/v1/", headers={"Authorization": f"Bearer {key}"}, timeout=20)


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    found = Control(tmp_path / "state")
    yield found
    if found.process and found.process.poll() is None:
        found.process.terminate()
        found.process.wait(20)
    if found.process and found.process.stdout:
        found.process.stdout.close()


def listens(url: str) -> bool:
    host, _, port = url.removeprefix("http://").rpartition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def open_to_others(root: Path) -> list[str]:
    """Whatever in the state folder somebody else may touch."""
    return [str(path) for path in (root, *root.rglob("*")) if path.lstat().st_mode & 0o077 and not path.is_symlink()]


def test_it_starts_serves_refuses_a_second_and_ends(control: Control) -> None:
    url = control.start()
    assert {"operator.key", "secret.key", "control.json", "control.sqlite3"} <= {p.name for p in control.root.iterdir()}
    assert open_to_others(control.root) == []
    with control.web(url) as web:
        assert web.post("clients", json={"name": "acme"}).status_code == 201
        until(lambda: web.get("health").json()["status"] == "ok")
        assert web.get("docs").status_code == 200
    second = control.command("run", "--port", "0")
    assert second.returncode == 1
    assert "[state.locked]" in second.stderr
    taken = Control(control.root.parent / "other").command("run", "--port", url.rpartition(":")[2])
    assert "[control.address_taken]" in taken.stderr
    link = control.command("login-link").stdout.strip()
    assert link.startswith(f"{url}/console/link/")
    assert httpx.get(link).status_code == 200
    started = time.monotonic()
    assert control.process
    control.process.send_signal(signal.SIGINT)
    assert control.process.wait(20) == 0
    assert time.monotonic() - started < 10
    assert not listens(url)
    assert not (control.root / "control.json").exists()


def test_nothing_of_it_survives_its_death(control: Control) -> None:
    url = control.start()
    assert control.process
    control.process.kill()
    control.process.wait(20)
    until(lambda: not listens(url))
    again = control.start()
    assert control.answers(again)


def test_a_dead_web_process_is_replaced(control: Control) -> None:
    url = control.start()
    assert control.process
    children = Path(f"/proc/{control.process.pid}/task/{control.process.pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
    until(lambda: not listens(url))
    until(lambda: control.answers(url), START_WITHIN_S)


def test_keys_are_made_at_the_machine(control: Control) -> None:
    assert control.command("migrate").returncode == 0
    made = control.command("key", "--role", "operator").stdout.strip()
    assert made.startswith("ws_")
    wrong = control.command("key", "--role", "viewer", "--client", "nobody")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "[client.missing]" in wrong.stderr
    assert "0 secrets" in control.command("rotate-secrets").stdout
    assert "Stopped 0 sites" in control.command("halt").stdout


def test_the_lock_is_held_once(tmp_path: Path) -> None:
    state = State(tmp_path).prepare()
    with state.lock(), pytest.raises(StateLocked):
        state.lock()
    state.lock().close()


@pytest.mark.parametrize("depth", [1, 12])
def test_a_wish_wakes_the_loop_at_once(tmp_path: Path, depth: int) -> None:
    """Also in a folder whose path is longer than a socket's address may be."""
    folder = tmp_path.joinpath(*["a-long-name"] * depth)
    folder.mkdir(parents=True)
    woken, stop = threading.Event(), threading.Event()
    thread = threading.Thread(target=wake.listen, args=(folder / "wake.sock", woken.set, stop))
    thread.start()
    try:
        until(lambda: (folder / "wake.sock").exists())
        until(lambda: wake.send(folder / "wake.sock") or woken.wait(0.1))
    finally:
        stop.set()
        thread.join(5)
    wake.send(folder / "nobody.sock")
