"""From any state, with any wishes and errors on the way, repeated passes end where they should, and then do nothing more."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conformance.orchestrator import workload
from webstreet.control.orchestrators.base import Apply, Backup, OrchestratorError, Remove, SeenSite, SiteState
from webstreet.control.reconcile.loop import Loop
from webstreet.control.reconcile.plan import Plan, Policy, Settled, Stalled, Wanted, plan
from webstreet.kernel.ids import SiteId
from webstreet.testing.clock import ManualClock
from webstreet.testing.orchestrator import MemoryOrchestrator

SITES = [SiteId("acme", name) for name in ("blog", "shop", "wiki")]


@dataclass(frozen=True)
class Start:
    """What the orchestrator holds of one site before the first pass."""

    generation: int
    suspended: bool
    settled: bool
    halted: bool
    broken: bool
    backup: str


starts = st.builds(
    Start,
    st.integers(1, 3),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["", "nightly", "final"]),
)
wishes = st.builds(
    lambda generation, suspended, closing: (generation, suspended or closing, closing),
    st.integers(4, 6), st.booleans(), st.booleans(),
)  # fmt: skip
worlds = st.fixed_dictionaries({}, optional=dict.fromkeys(SITES, starts))
dreams = st.fixed_dictionaries({}, optional=dict.fromkeys(SITES, wishes))
errors = st.dictionaries(st.sampled_from(SITES), st.integers(0, 3), max_size=3)


def world(start: dict[SiteId, Start], clock: ManualClock) -> MemoryOrchestrator:
    memory = MemoryOrchestrator(clock, ready_after_s=2)
    for site, state in start.items():
        memory.apply(Apply(site, workload(state.generation, site, suspended=state.suspended)))
        if state.settled:
            clock.advance(3)
            memory.observe()
        if state.backup:
            memory.apply(Backup(site, state.backup))
        if state.broken:
            memory.break_generation(site, state.generation, "It was told to fail.")
    if any(state.halted for state in start.values()):
        memory.halt()
    return memory


@settings(max_examples=300, deadline=None)
@given(worlds, dreams, errors)
def test_every_world_converges_to_its_wish(
    start: dict[SiteId, Start], dream: dict[SiteId, tuple[int, bool, bool]], failing: dict[SiteId, int]
) -> None:
    clock = ManualClock()
    memory = world(start, clock)
    for site, count in failing.items():
        memory.fail_next(site, *[OrchestratorError("It was told to fail.")] * count)
    wanted = {
        site: Wanted(workload(generation, site, suspended=suspended), closing, "final" if closing else "")
        for site, (generation, suspended, closing) in dream.items()
    }
    memory.applied.clear()
    loop = Loop(lambda: wanted, lambda seen, made: None, memory, clock)
    for _ in range(40):
        loop.once()
        clock.advance(2)
    seen = memory.observe()
    for site, wish in wanted.items():
        assert_as_wished(wish, seen.get(site))
    final = plan(wanted, seen, Policy(), clock.now())
    assert final.steps == {}
    assert all(isinstance(final.results[site], Settled) for site in wanted)
    assert set(final.unknown) == set(start) - set(wanted) <= set(seen)
    assert_removed_only_after_backup(memory, start)


def assert_as_wished(wish: Wanted, seen: SeenSite | None) -> None:
    if wish.closing:
        assert seen is None
    elif wish.workload.suspended:
        assert seen is not None
        assert seen.state is SiteState.SUSPENDED
    else:
        assert seen is not None
        assert (seen.state, seen.generation) == (SiteState.RUNNING, wish.workload.generation)


def assert_removed_only_after_backup(memory: MemoryOrchestrator, start: dict[SiteId, Start]) -> None:
    backed_up = {site for site, state in start.items() if state.backup == "final"}
    for step in memory.applied:
        if isinstance(step, Backup) and step.label == "final":
            backed_up.add(step.site)
        if isinstance(step, Remove):
            assert step.site in backed_up


@given(worlds)
def test_what_nobody_wishes_for_is_reported_and_left(start: dict[SiteId, Start]) -> None:
    clock = ManualClock()
    memory = world(start, clock)
    seen = memory.observe()
    made = plan({}, seen, Policy(), clock.now())
    assert made.steps == {}
    assert made.unknown == tuple(sorted(start))
    assert all(isinstance(result, Stalled) for result in made.results.values())


def test_a_plan_tells_when_to_look_again() -> None:
    clock = ManualClock()
    made = plan({SITES[0]: Wanted(workload(1, SITES[0]))}, {}, Policy(look_again_s=4), clock.now())
    assert made.next_look is not None
    assert (made.next_look - clock.now()).total_seconds() == 4
    assert Plan().next_look is None
