from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

import pytest

from tests.conformance.orchestrator import BLOG, SHOP, workload
from webstreet.control.orchestrators.base import (
    Apply,
    Backup,
    OrchestratorError,
    SeenSite,
    SiteState,
    Step,
    WishOutdated,
)
from webstreet.control.reconcile.loop import Loop
from webstreet.control.reconcile.plan import Plan, Settled, Stalled, Waiting, Wanted
from webstreet.kernel.clock import SystemClock
from webstreet.kernel.ids import SiteId
from webstreet.testing.clock import ManualClock
from webstreet.testing.orchestrator import MemoryOrchestrator


class Desk:
    """The wish, and what was recorded."""

    def __init__(self, *wishes: Wanted) -> None:
        self.wishes = {wish.workload.site: wish for wish in wishes}
        self.records: list[tuple[Mapping[SiteId, SeenSite], Plan]] = []

    def read(self) -> Mapping[SiteId, Wanted]:
        return self.wishes

    def record(self, seen: Mapping[SiteId, SeenSite], made: Plan) -> None:
        self.records.append((seen, made))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def memory(clock: ManualClock) -> MemoryOrchestrator:
    return MemoryOrchestrator(clock)


def test_a_pass_observes_records_and_applies(memory: MemoryOrchestrator, clock: ManualClock) -> None:
    desk = Desk(Wanted(workload(1)))
    loop = Loop(desk.read, desk.record, memory, clock)
    loop.once()
    assert desk.records[0][0] == {}
    made = loop.once()
    assert isinstance(made.results[BLOG], Settled)
    assert desk.records[1][0][BLOG].state is SiteState.RUNNING


def test_steps_are_announced_before_and_after(memory: MemoryOrchestrator, clock: ManualClock) -> None:
    heard: list[tuple[str, str]] = []
    desk = Desk(Wanted(workload(1)))
    Loop(desk.read, desk.record, memory, clock, lambda step, moment: heard.append((step.name, moment))).once()
    assert heard == [("apply", "before"), ("apply", "after")]


@pytest.mark.parametrize("error", [OrchestratorError("The disk is full."), RuntimeError("address of somebody")])
def test_an_error_of_one_site_stops_no_other_and_is_told(
    error: Exception, memory: MemoryOrchestrator, clock: ManualClock
) -> None:
    memory.fail_next(BLOG, error)
    desk = Desk(Wanted(workload(1)), Wanted(workload(1, SHOP)))
    loop = Loop(desk.read, desk.record, memory, clock)
    loop.once()
    made = loop.once()
    assert isinstance(made.results[SHOP], Settled)
    result = made.results[BLOG]
    assert isinstance(result, Waiting)
    assert ("disk is full" in result.why) == isinstance(error, OrchestratorError)
    assert "somebody" not in result.why
    clock.advance(1.5)
    loop.once()
    assert isinstance(loop.once().results[BLOG], Settled)


def test_the_wait_grows_with_each_error_and_ends_with_success(memory: MemoryOrchestrator, clock: ManualClock) -> None:
    memory.fail_next(BLOG, *[OrchestratorError("Not yet.")] * 3)
    desk = Desk(Wanted(workload(1)))
    loop = Loop(desk.read, desk.record, memory, clock)
    waits = []
    for _ in range(3):
        loop.once()
        result = loop.once().results[BLOG]
        assert isinstance(result, Waiting)
        waits.append((result.until - clock.now()).total_seconds())
        clock.advance(waits[-1])
    assert waits == [1, 2, 4]
    loop.once()
    assert isinstance(loop.once().results[BLOG], Settled)


def test_a_wish_that_is_wrong_is_not_repeated_until_it_changes(memory: MemoryOrchestrator, clock: ManualClock) -> None:
    memory.fail_next(BLOG, WishOutdated("Wrong."))
    desk = Desk(Wanted(workload(1)))
    loop = Loop(desk.read, desk.record, memory, clock)
    loop.once()
    clock.advance(3600)
    assert isinstance(loop.once().results[BLOG], Stalled)
    desk.wishes[BLOG] = Wanted(workload(2))
    loop.once()
    assert isinstance(loop.once().results[BLOG], Settled)


def test_an_orchestrator_that_cannot_see_is_an_error_of_the_pass(
    memory: MemoryOrchestrator, clock: ManualClock
) -> None:
    memory.blind(OrchestratorError("It is dark."))
    desk = Desk(Wanted(workload(1)))
    with pytest.raises(OrchestratorError):
        Loop(desk.read, desk.record, memory, clock).once()
    assert desk.records == []
    assert memory.applied == []


class Forever:
    """A loop in its own thread, ended with the block."""

    def __init__(self, loop: Loop) -> None:
        self.wake, self.stop = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=loop.run_forever, args=(self.wake, self.stop))

    def __enter__(self) -> Forever:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.wake.set()
        self.thread.join(10)
        assert not self.thread.is_alive()


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def last(desk: Desk, site: SiteId) -> object:
    return desk.records[-1][1].results.get(site) if desk.records else None


def test_waking_makes_a_change_come_true_at_once() -> None:
    desk = Desk(Wanted(workload(1)))
    with Forever(Loop(desk.read, desk.record, MemoryOrchestrator(), SystemClock(), sweep_s=3600)) as running:
        eventually(lambda: isinstance(last(desk, BLOG), Settled))
        desk.wishes = {SHOP: Wanted(workload(1, SHOP))}
        running.wake.set()
        eventually(lambda: isinstance(last(desk, SHOP), Settled))


def test_the_loop_outlives_an_orchestrator_that_cannot_see() -> None:
    looked = threading.Event()

    class Watched(MemoryOrchestrator):
        def observe(self) -> Mapping[SiteId, SeenSite]:
            try:
                return super().observe()
            finally:
                looked.set()

    memory = Watched()
    memory.blind(ConnectionError("foreign"))
    desk = Desk(Wanted(workload(1)))
    with Forever(Loop(desk.read, desk.record, memory, SystemClock())) as running:
        assert looked.wait(10)
        memory.blind(None)
        running.wake.set()
        eventually(lambda: isinstance(last(desk, BLOG), Settled))


def test_a_long_step_of_one_site_holds_up_no_other() -> None:
    release = threading.Event()

    class Slow(MemoryOrchestrator):
        def apply(self, step: Step) -> None:
            if isinstance(step, Backup):
                assert release.wait(10)
            super().apply(step)

    memory = Slow()
    memory.apply(Apply(BLOG, workload(1, suspended=True)))
    desk = Desk(Wanted(workload(1, suspended=True), closing=True, final_backup_label="final"))
    with Forever(Loop(desk.read, desk.record, memory, SystemClock(), sweep_s=0.05)) as running:
        eventually(lambda: bool(desk.records and BLOG in desk.records[-1][1].steps))
        desk.wishes = {**desk.wishes, SHOP: Wanted(workload(1, SHOP))}
        running.wake.set()
        eventually(lambda: isinstance(last(desk, SHOP), Settled))
        assert BLOG in memory.observe()
        release.set()
        eventually(lambda: isinstance(last(desk, BLOG), Settled))
        assert BLOG not in memory.observe()
    assert [step.name for step in memory.applied if step.site == BLOG] == ["apply", "backup", "remove"]
