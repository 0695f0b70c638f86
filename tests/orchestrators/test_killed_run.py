"""kill -9 of the whole control plane (real database, real record) while it opens and closes a site and another one is being read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.orchestrators.load import Load
from tests.orchestrators.test_killed_control import listing, supervised
from webstreet.control.orchestrators.processes import ProcessesOrchestrator

ROOT = Path(__file__).resolve().parents[2]
WITHIN_S = 60.0
OPENING: dict[str, Callable[[Path, Path], bool]] = {
    "the folder is there": lambda site, backups: site.exists(),
    "the wish is laid down": lambda site, backups: (site / "wanted.json").exists(),
    "the supervisor runs": lambda site, backups: (site / "seen.json").exists(),
}
CLOSING: dict[str, Callable[[Path, Path], bool]] = {
    "it is being stopped": lambda site, backups: '"suspended": true' in text(site / "wanted.json"),
    "the backup is begun": lambda site, backups: backups.exists() and any(backups.iterdir()),
    "it is being removed": lambda site, backups: '"removing": true' in text(site / "wanted.json") or not site.exists(),
}


def text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def until(true: Callable[[], Any], what: str, pause_s: float = 0.05) -> Any:
    deadline = time.monotonic() + WITHIN_S
    while not (found := true()):
        assert time.monotonic() < deadline, f"not within {WITHIN_S:.0f} s: {what}"
        time.sleep(pause_s)
    return found


class Run:
    """One control plane on a state folder, started again after each kill."""

    def __init__(self, state: Path) -> None:
        self.state = state
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("WEBSTREET_", "DATABASE_", "DJANGO_"))}
        self._environment = kept | {"WEBSTREET_STATE": str(state)}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.orchestrators.small_control", "run", "--port", "0"]
        log = (self.state.parent / "control.log").open("ab")
        with log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self._environment, stdout=log, stderr=log)
        until(self._answers, "the control plane answers")

    def _answers(self) -> bool:
        assert self.process
        assert self.process.poll() is None, text(self.state.parent / "control.log")
        said = json.loads(text(self.state / "control.json") or "{}")
        if said.get("pid") != self.process.pid:  # a killed one wrote it
            return False
        key = (self.state / "operator.key").read_text().strip()
        self.api = httpx.Client(base_url=f"{said['url']}/api/v1/", headers={"Authorization": f"Bearer {key}"})
        try:
            return self.api.get("health").status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait(20)
        self.api.close()

    def end(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)
        ProcessesOrchestrator(self.state / "processes").halt()

    def folders(self, name: str) -> tuple[Path, Path]:
        root = self.state / "processes"
        return root / "sites/acme" / name, root / "backups/acme" / name

    def open(self, name: str) -> None:
        body = {"client": "acme", "site": name, "template": "publication"}
        assert self.api.post("sites", json=body).status_code == 201

    def close(self, name: str) -> None:
        assert self.api.post(f"sites/acme/{name}/close", json={"confirm": f"acme/{name}"}).status_code == 202

    def disturb(self, name: str, moment: Callable[[Path, Path], bool] | None) -> None:
        """Kill it as soon as the effect can be seen, and start it again."""
        if moment:
            until(lambda: moment(*self.folders(name)), f"the moment for {name}", pause_s=0.001)
            self.kill()
            self.start()

    def running(self, name: str) -> dict[str, Any]:
        """The whole outcome of an opening, without what differs from one site to the next."""

        def settled() -> dict[str, Any] | None:
            seen = self.api.get(f"sites/acme/{name}").json()
            return seen if seen["state"] == "running" and not seen["differs"] else None

        seen = until(settled, f"{name} runs")
        folder, _ = self.folders(name)
        return {
            "generation": (seen["wanted_generation"], seen["seen_generation"]),
            "said": (seen["note"], seen["next"]),
            "processes": [(process["name"], process["restarts"]) for process in seen["processes"]],
            "alive": len(supervised(folder)),
            "files": [path for path in listing(folder) if not path.startswith("/logs/")],
            "journal": self.journal(name),
        }

    def closed(self, name: str) -> dict[str, Any]:
        until(lambda: "site.closed" in self.journal(name), f"{name} is closed")
        folder, backups = self.folders(name)
        return {
            "shown": self.api.get(f"sites/acme/{name}").json()["code"],
            "left": folder.exists(),
            "alive": len(supervised(folder)),
            "backups": [path.partition("/data/")[2] for path in listing(backups)],
            "how_many": len(list(backups.iterdir())),
            "journal": self.journal(name),
        }

    def journal(self, name: str) -> list[str]:
        """What was asked and what came of it. How often somebody looked in between may differ."""
        items = self.api.get("events", params={"object": f"acme/{name}"}).json()["items"]
        return [item["what"] for item in items if item["what"] != "site.seen"]


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Run]:
    made = Run(tmp_path / "state")
    made.state.mkdir()
    try:
        made.start()
        yield made
    finally:
        made.end()


@pytest.mark.requirement("H7")
@pytest.mark.timeout(300)
def test_a_killed_control_plane_converges_and_no_reader_notices(control: Run) -> None:
    assert control.api.post("clients", json={"name": "acme"}).status_code == 201
    control.open("read")
    control.running("read")
    address = control.api.get("sites/acme/read").json()["listens_at"]
    with Load(urlsplit(address).port or 0) as load:
        control.open("calm")
        opened = control.running("calm")
        control.close("calm")
        closed = control.closed("calm")
        for number, (opening, closing) in enumerate(zip(OPENING, CLOSING, strict=True)):
            name = f"guest-{number}"
            control.open(name)
            control.disturb(name, OPENING[opening])
            assert control.running(name) == opened, f"killed when {opening}"
            control.close(name)
            control.disturb(name, CLOSING[closing])
            assert control.closed(name) == closed, f"killed when {closing}"
    assert load.failures == []
    assert load.generations == {1}
    assert load.answers > 100
    assert closed["how_many"] == 1
