"""kill -9 of the control plane at every step of a plan, while a site it changes is being read fifty times a second.

One round changes the site that is read, opens one, closes the one opened before, suspends one and resumes another. Where it can
be killed comes from the code: each step and each sub-step, before and after.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.orchestrators.load import Load
from webstreet.control.orchestrators.base import Apply, Backup, Remove, Step
from webstreet.control.orchestrators.processes import ProcessesOrchestrator
from webstreet.control.orchestrators.processes.folder import MARKER
from webstreet.control.orchestrators.processes.orchestrator import SUB_STEPS
from webstreet.kernel.ids import SiteId

ROOT = Path(__file__).resolve().parents[2]
SETTLED_WITHIN_S = 15.0
ROLES: dict[str, Sequence[type[Step]]] = {
    "changed": [Apply],
    "opened": [Apply],
    "suspended": [Apply],
    "resumed": [Apply],
    "closed": [Apply, Backup, Remove],
}


def points(role: str) -> Iterator[tuple[str, str]]:
    """Every (name, moment) at which the control plane can be killed for a site in this role."""
    for kind in ROLES[role]:
        step = kind.__name__.lower()
        for name in (step, *(f"{step}.{sub}" for sub in SUB_STEPS[kind])):
            for moment in ("before", "after"):
                yield name, moment


class Rounds:
    """The wishes of round after round over one folder, and what is there at the end of each."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.number = 0
        self.orchestrator = ProcessesOrchestrator(root)
        self.driver = subprocess.Popen(
            [sys.executable, "-m", "tests.orchestrators.driver", str(root)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def sites(self) -> dict[str, str]:
        n = self.number
        return {
            "changed": "acme/blog",
            "opened": f"acme/guest-{n}",
            "closed": f"acme/guest-{n - 1}",
            "suspended": f"acme/shop-{n % 2}",
            "resumed": f"acme/shop-{(n + 1) % 2}",
        }

    def wishes(self) -> list[dict[str, Any]]:
        found = []
        for role, site in self.sites().items():
            wish: dict[str, Any] = {
                "site": site,
                "generation": self.number,
                "suspended": role in ("suspended", "closed"),
            }
            if role == "closed":
                wish |= {"closing": True, "label": "final"}
            found.append(wish)
        return found

    def order(self, wishes: list[dict[str, Any]], kill_at: list[str] | None) -> int:
        assert self.driver.stdin is not None
        assert self.driver.stdout is not None
        self.driver.stdin.write(json.dumps({"wishes": wishes, "kill_at": kill_at}) + "\n")
        self.driver.stdin.flush()
        return int(self.driver.stdout.readline())

    def begin(self) -> None:
        assert self.order([w for w in self.wishes() if w["site"] != "acme/guest--1"], None) == 0

    def next(self, kill: tuple[str, str, str] | None) -> None:
        """One round; killed at (role, name, moment), then converged by a control plane that nobody disturbs."""
        self.number += 1
        if kill:
            role, name, moment = kill
            assert self.order(self.wishes(), [self.sites()[role], name, moment]) == -9, f"{kill} was never reached"
        assert self.order(self.wishes(), None) == 0

    def state(self) -> dict[str, object]:
        """Everything a round leaves, with the names and numbers that differ from round to round taken out."""
        seen = self.orchestrator.observe()
        found: dict[str, object] = {"others": len(seen) - 4}
        for role, name in self.sites().items():
            site = SiteId.parse(name)
            one = seen.get(site)
            folder = self.root / "sites" / site.client / site.site
            backups = self.root / "backups" / site.client / site.site
            found[role] = {
                "seen": one and (one.state, one.generation, one.accepted, one.note, [p.name for p in one.processes]),
                "files": [
                    line.replace(f"/{self.number}/", "/N/") for line in listing(folder) if not line.startswith("/logs/")
                ],
                "backups": listing(backups),
                "processes": len(supervised(folder)),
            }
        return json.loads(json.dumps(found).replace(f" {self.number},", " 0,"))

    def settled(self) -> dict[str, object]:
        """The state, once no site holds an older generation any more. Supervisors delete those after the new one serves."""
        deadline = time.monotonic() + SETTLED_WITHIN_S
        while time.monotonic() < deadline and any(
            len(list((self.root / "sites" / name / "generations").glob("[0-9]*"))) > 1 for name in self.sites().values()
        ):
            time.sleep(0.05)
        return self.state()

    def settles_at(self, wanted: dict[str, object]) -> dict[str, object]:
        """The state, once it is ``wanted`` or has had time to become it."""
        deadline = time.monotonic() + SETTLED_WITHIN_S
        while (found := self.state()) != wanted and time.monotonic() < deadline:
            time.sleep(0.05)
        return found

    def close(self) -> None:
        assert self.driver.stdin is not None
        self.driver.stdin.close()
        self.driver.wait(30)
        assert self.driver.stdout is not None
        self.driver.stdout.close()
        self.orchestrator.halt()
        assert supervised(self.root) == []


def listing(folder: Path) -> list[str]:
    return sorted(f"/{path.relative_to(folder)}" for path in folder.rglob("*") if path.is_file())


def supervised(folder: Path) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            environment = (entry / "environ").read_bytes() if entry.name.isdigit() else b""
        except OSError:
            continue
        if f"{MARKER}={folder}".encode() in environment:
            found.append(int(entry.name))
    return found


@pytest.fixture
def rounds(tmp_path: Path) -> Iterator[Rounds]:
    made = Rounds(tmp_path)
    try:
        made.number = 1
        assert (
            made.order(
                [w | {"suspended": False, "closing": False} for w in made.wishes() if "shop" not in w["site"]], None
            )
            == 0
        )
        wishes = [{"site": f"acme/shop-{i}", "generation": 1, "suspended": i == 1} for i in (0, 1)]
        assert made.order(wishes, None) == 0
        yield made
    finally:
        made.close()


@pytest.mark.requirement("H7")
@pytest.mark.parametrize("role", ROLES)
def test_no_kill_of_control_loses_a_request_or_changes_the_outcome(role: str, rounds: Rounds) -> None:
    address = rounds.orchestrator.observe()[SiteId("acme", "blog")].address
    with Load(urlsplit(address).port or 0) as load:
        rounds.next(None)
        undisturbed = rounds.settled()
        for name, moment in points(role):
            rounds.next((role, name, moment))
            assert rounds.settles_at(undisturbed) == undisturbed, f"killed {moment} {name} of the {role} site"
    assert load.failures == []
    assert load.generations == set(range(1, rounds.number + 1))
    assert load.answers > 100


def test_the_points_come_from_the_code() -> None:
    reached = {name for role in ROLES for name, _ in points(role)}
    assert reached == {f"{k.__name__.lower()}.{s}" for k, subs in SUB_STEPS.items() for s in subs} | {
        "apply",
        "backup",
        "remove",
    }
