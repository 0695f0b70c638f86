"""The same promises on the real engine: a whole site of the publication template, changed while it is read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.conformance.orchestrator import Ground
from tests.orchestrators.load import Load
from tests.orchestrators.test_killed_control import supervised
from webstreet.contract.jobs import LoginLink
from webstreet.contract.template import shipped_template
from webstreet.control.orchestrators.base import Apply, Backup, SiteState, Workload
from webstreet.control.orchestrators.processes import ProcessesOrchestrator
from webstreet.control.orchestrators.processes.folder import Folder
from webstreet.control.orchestrators.processes.supervision import supervisor_pid
from webstreet.control.sites.front import settings_of
from webstreet.kernel.ids import SiteId
from webstreet.kernel.secret import Secret

ROOT = Path(__file__).resolve().parents[2]
SITE = SiteId("groupe-7", "crispy-octo")
KEY = Secret("a key of the test's own, long enough to be taken for one by Django, 0123456789")
PATIENCE_S = 90

pytestmark = pytest.mark.timeout(600)


def wish(generation: int, title: str = "Crispy Octo", *, suspended: bool = False, **settings: str) -> Workload:
    manifest = shipped_template("publication").site(
        client=SITE.client, site=SITE.site, title=title, languages=["en", "fr"], domains=["octo.example.com"]
    )
    return Workload(manifest, generation, settings, {"SECRET_KEY": KEY}, suspended)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    orchestrator = ProcessesOrchestrator(tmp_path_factory.mktemp("engine"))
    ground = Ground(orchestrator, tick=lambda: time.sleep(0.1), broken=lambda w: w, patience_s=PATIENCE_S)
    try:
        ground.apply(wish(1))
        ground.until(lambda s: s.state is SiteState.RUNNING, SITE)
        yield ground
    finally:
        orchestrator.halt()


def newest(ground: Ground) -> int:
    seen = ground.seen(SITE)
    assert seen is not None
    assert seen.accepted is not None
    return seen.accepted


def running(ground: Ground, generation: int) -> None:
    ground.until(lambda s: s.state is SiteState.RUNNING and s.generation == generation, SITE)


def port(ground: Ground) -> int:
    seen = ground.seen(SITE)
    assert seen is not None
    return urlsplit(seen.address).port or 0


@pytest.mark.requirement("H7")
def test_updates_of_a_real_site_lose_no_request(ground: Ground) -> None:
    first = newest(ground)
    with Load(port(ground)) as load, Load(port(ground), "/", rate=10) as pages:
        for generation in (first + 1, first + 2):
            ground.apply(wish(generation, f"Crispy Octo {generation}"))
            running(ground, generation)
        time.sleep(0.5)
    assert load.failures == pages.failures == []
    assert load.generations == {first, first + 1, first + 2}


@pytest.mark.requirement("H7")
def test_a_real_site_that_cannot_get_ready_leaves_the_old_one_serving(ground: Ground) -> None:
    before = newest(ground)
    unreachable = "postgresql://nobody@127.0.0.1:9/none"
    with Load(port(ground)) as load:
        ground.apply(wish(before + 1, DATABASE_URL=unreachable))
        ground.until(lambda s: s.accepted == before + 1 and bool(s.note), SITE)
        # A single look may come when the site is too busy to state its facts; it must say so again.
        ground.until(lambda s: bool(s.note) and (s.state, s.generation) == (SiteState.RUNNING, before), SITE)
    assert load.failures == []
    ground.apply(wish(before + 2))
    running(ground, before + 2)


def test_one_off_commands_and_backup_of_a_real_site(ground: Ground) -> None:
    lines: list[str] = []
    result = ground.orchestrator.run(SITE, ["login-link"], on_line=lines.append)
    assert result.exit_code == 0
    assert LoginLink.model_validate_json(lines[-1]).path.startswith("/")
    ground.orchestrator.apply(Backup(SITE, "tested"))
    seen = ground.seen(SITE)
    assert seen is not None
    assert {"site.yaml", "default.sqlite3", "newsletter.sqlite3"} <= {path.name for path in Path(seen.backup).iterdir()}


@pytest.mark.requirement("H7")
@pytest.mark.parametrize(
    ("name", "moment"), [("apply", "before"), ("apply.wish", "after"), ("apply.supervisor", "after")]
)
def test_a_killed_control_plane_costs_a_real_site_no_request(ground: Ground, name: str, moment: str) -> None:
    generation = newest(ground) + 1
    code = (
        "import os, signal; from tests.orchestrators.test_real_engine import *; from webstreet.control.reconcile.loop import Loop;"
        "from webstreet.control.reconcile.plan import Wanted; from webstreet.kernel.clock import SystemClock\n"
        "def here(step, name, moment):\n"
        f"    if (name, moment) == {(name, moment)!r}: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"o = ProcessesOrchestrator(Path({str(ground.orchestrator.root)!r}), on_sub_step=here)\n"
        f"w = {{SITE: Wanted(wish({generation}))}}\n"
        "Loop(lambda: w, lambda s, p: None, o, SystemClock(), lambda s, m: here(s, s.name, m)).once()\n"
    )
    with Load(port(ground)) as load:
        control = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True)
        assert control.returncode == -9, control.stderr
        ground.orchestrator.apply(Apply(SITE, wish(generation)))
        running(ground, generation)
    assert load.failures == []


def test_a_real_site_is_suspended_and_resumed(ground: Ground) -> None:
    generation = newest(ground) + 1
    ground.apply(wish(generation, suspended=True))
    ground.until(lambda s: s.state is SiteState.SUSPENDED, SITE)
    ground.apply(wish(generation + 1))
    running(ground, generation + 1)
    facts = ground.until(lambda s: s.facts is not None, SITE).facts
    assert facts is not None
    assert json.loads(facts.model_dump_json())["site"] == SITE.site


def test_a_real_site_behind_a_proxy_knows_its_public_address(ground: Ground) -> None:
    generation = newest(ground) + 1
    public = settings_of(["octo.example.com"], pattern="https://{domain}", proxies="127.0.0.1")
    ground.apply(wish(generation, **public))
    running(ground, generation)  # seen by its own answer, although it now expects its public name
    headers = {"Host": "octo.example.com", "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    answer = httpx.get(f"http://127.0.0.1:{port(ground)}/", headers=headers, trust_env=False)
    assert answer.status_code == 200
    assert '<link rel="canonical" href="https://octo.example.com/' in answer.text
    login = ground.orchestrator.run(SITE, ["login-link"], timeout_s=60).stdout.splitlines()[-1]
    page = httpx.get(
        f"http://127.0.0.1:{port(ground)}{LoginLink.model_validate_json(login).path}", headers=headers, trust_env=False
    )
    assert page.status_code == 200
    assert all(cookie.secure for cookie in page.cookies.jar)


def test_a_real_site_comes_back_after_its_supervisor_was_killed(ground: Ground) -> None:
    generation, number = newest(ground) + 1, port(ground)
    ground.apply(wish(generation))  # the test before may have left a wish with other settings
    running(ground, generation)
    folder = Folder(ground.orchestrator.root / "sites" / SITE.client / SITE.site)
    pid = supervisor_pid(folder)
    assert pid
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 15
    while supervised(folder.path):
        assert time.monotonic() < deadline, "the processes outlived their supervisor"
        time.sleep(0.05)
    ground.apply(wish(generation))
    running(ground, generation)
    assert port(ground) == number
