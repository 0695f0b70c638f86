"""A real control plane in a temporary state folder, and the command line as a person runs it: a process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

START_WITHIN_S = 60.0


@dataclass(frozen=True)
class Result:
    """How one command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        return json.loads(self.err.strip().splitlines()[-1])["error"]


@dataclass(frozen=True)
class Control:
    """A running control plane."""

    url: str
    state: Path

    @property
    def key(self) -> str:
        return (self.state / "operator.key").read_text().strip()

    def api(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.request(method, f"{self.url}/api/v1{path}", headers=headers, trust_env=False, **more)


def environment(state: Path, **more: str) -> dict[str, str]:
    """Ours, without what the person at this machine may have set."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("WEBSTREET_") and k not in ("NO_COLOR", "COLUMNS")}
    return {**kept, "WEBSTREET_STATE": str(state), "PYTHONIOENCODING": "utf-8", **more}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "webstreet.cli.main", *arguments]


def run(state: Path, *arguments: str, stdin: str = "", **more: str) -> Result:
    done = subprocess.run(
        command(*arguments),
        env=environment(state, **more),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def control(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Control]:
    """Started once for all tests of the command line; its sites end with it."""
    with running(tmp_path_factory.mktemp("control") / "state") as found:
        yield found


@contextlib.contextmanager
def running(state: Path, **more: str) -> Iterator[Control]:
    """A control plane with ``more`` in its environment; its sites end with it."""
    log = state.parent / "control.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command("control", "run", "--port", "0"),
            env=environment(state, **more),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield Control(_address(state, process, log), state)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
        run(state, "control", "halt", "--sites")


def _address(state: Path, process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        if (state / "control.json").exists():
            url = str(json.loads((state / "control.json").read_text())["url"])
            try:
                if httpx.get(f"{url}/api/v1/health", trust_env=False, timeout=2).status_code == 200:
                    return url
            except httpx.HTTPError:
                pass
        time.sleep(0.1)
    raise AssertionError(f"the control plane did not answer: {log.read_text()}")


@pytest.fixture
def webstreet(control: Control) -> Callable[..., Result]:
    """Runs ``webstreet ARGUMENTS`` against the running control plane."""

    def call(*arguments: str, **more: str) -> Result:
        return run(control.state, *arguments, **more)

    return call
