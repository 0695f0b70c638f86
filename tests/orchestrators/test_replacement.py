"""A real site replaced while it is read: new settings, new releases, broken ones; nobody's request is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.orchestrator import Ground
from tests.orchestrators.releases import Release, install
from tests.orchestrators.test_real_engine import PATIENCE_S, SITE, newest, port, running, wish
from webstreet import __version__
from webstreet.control.orchestrators.base import SiteState, Workload
from webstreet.control.orchestrators.processes import ProcessesOrchestrator
from webstreet.control.orchestrators.processes.wish import ENGINE, Programs
from webstreet.testing.crowd import Crowd, Look

REQUESTS, CLIENTS = 10_000, 32
PAGES = ("/", "/?made=anew")  # the second by no cache
LONG = "/static/wagtailadmin/js/core.js"
FORM = "/api/newsletter/subscriptions"

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("replaced")


@pytest.fixture(scope="module")
def ground(root: Path) -> Iterator[Ground]:
    orchestrator = ProcessesOrchestrator(root)
    ground = Ground(orchestrator, tick=lambda: time.sleep(0.1), broken=lambda w: w, patience_s=PATIENCE_S)
    try:
        ground.apply(wish(1))
        running(ground, 1)
        yield ground
    finally:
        orchestrator.halt()


@pytest.fixture(scope="module")
def next_release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return install(tmp_path_factory.mktemp("releases"), "99.1.0")


def control(ground: Ground, programs: Programs) -> Ground:
    """The same sites, cared for by the control plane of another release."""
    orchestrator = ProcessesOrchestrator(ground.orchestrator.root, programs)  # type: ignore[attr-defined]
    return Ground(orchestrator, tick=ground.tick, broken=ground.broken, patience_s=PATIENCE_S)


def web_pid(ground: Ground) -> int:
    seen = ground.seen(SITE)
    assert seen is not None
    return next(process.pid for process in seen.processes if process.name == "web") or 0


def replaced(ground: Ground, workload: Workload) -> float:
    """Apply, and wait until the new generation serves and the old process has gone; when that was seen (monotonic)."""
    old = web_pid(ground)
    ground.apply(workload)
    running(ground, workload.generation)
    ground.until(lambda _: not Path(f"/proc/{old}").exists(), SITE)
    return time.monotonic()


@pytest.mark.requirement("H7")
def test_five_replacements_under_ten_thousand_requests_lose_none(ground: Ground, next_release: Release) -> None:
    first = newest(ground)
    releases = {first: __version__}
    seen: list[tuple[float, int]] = []
    with Crowd(port(ground), clients=CLIENTS, pages=PAGES, long=LONG, form=FORM) as crowd:
        for number, (programs, version, title, settings) in enumerate(
            (
                (ENGINE, __version__, "Another title", {}),
                (next_release.programs(), next_release.version, "Another title", {}),
                (next_release.programs(), next_release.version, "Another title", {"EMAIL_URL": "smtp://127.0.0.1:9"}),
                (ENGINE, __version__, "Another title", {"EMAIL_URL": "smtp://127.0.0.1:9"}),
                (next_release.programs(), next_release.version, "A third title", {}),
            ),
            start=first + 1,
        ):
            releases[number] = version
            seen.append((replaced(control(ground, programs), wish(number, title, **settings)), number))
        crowd.wait_for(REQUESTS)
    assert crowd.lost == [], f"{len(crowd.lost)} of {crowd.answers}"
    assert {look.generation: look.release for look in crowd.looks} == releases
    assert len({look.manifest_digest for look in crowd.looks}) == 3, "each title is another manifest"
    assert crowd.went_back() == [], "nobody's connection answers with an older generation"
    assert late(crowd.looks, seen) == [], "once the old process has gone nothing answers with its generation"


def late(looks: list[Look], seen: list[tuple[float, int]]) -> list[Look]:
    """Answers older than what had replaced them for good when they were asked for."""
    return [look for look in looks if any(look.began > at and look.generation < number for at, number in seen)]


# Where the source is spoiled and how, what is said of it, and how long it has to get ready.
DEFECTS = {
    "crashes at its start": (
        "engine/serving.py", "    die_with_parent(os.getppid())\n", "    os._exit(7)\n",
        "ended with exit code 1 before it was ready", 60,
    ),
    "hangs": (
        "engine/readiness.py", "    from webstreet.engine.wsgi import application as site\n",
        "    time.sleep(3600)\n    from webstreet.engine.wsgi import application as site\n",
        "is not ready after 5 s", 5,
    ),
    "never gets ready": (
        "engine/health.py", 'parts = [_database("default"), _migrations()]',
        'parts = [_database("default"), _migrations(), health.Part(name="planted", ok=False, note="it is broken")]',
        "is not ready after 20 s: planted: it is broken", 20,
    ),
    "cannot prepare": (
        "engine/commands/prepare.py", "    away = prepare(", "    raise SystemExit(5)\n    away = prepare(",
        "prepare ended with exit code 5", 60,
    ),
}  # fmt: skip


@pytest.mark.requirement("H7")
def test_broken_releases_never_take_the_old_one_down(ground: Ground, tmp_path: Path) -> None:
    serving = newest(ground)
    with Crowd(port(ground), clients=6, pages=PAGES, long=LONG, form=FORM) as crowd:
        for number, (name, (module, before, after, reason, ready_s)) in enumerate(DEFECTS.items(), start=serving + 1):
            release = install(tmp_path, f"99.9.{number}")
            release.spoil(module, before, after)
            broken = control(ground, release.programs(ready_s=ready_s))
            broken.apply(wish(number))
            seen = broken.until(lambda s, why=reason: s.state is SiteState.RUNNING and why in s.note, SITE)
            assert seen.generation == serving, name
            assert f"Generation {number}" in seen.note
        replaced(ground, wish(number + 1))
    assert crowd.lost == []
    assert {look.generation for look in crowd.looks} == {serving, number + 1}, "the broken ones were never seen"
    assert {look.release for look in crowd.looks} <= {__version__, "99.1.0"}
