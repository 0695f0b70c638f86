from __future__ import annotations

import pytest

from tests.conformance.orchestrator import Ground, OrchestratorConformance, workload
from webstreet.control.orchestrators.base import Workload
from webstreet.testing.clock import ManualClock
from webstreet.testing.orchestrator import MemoryOrchestrator


class TestMemory(OrchestratorConformance):
    @pytest.fixture
    def ground(self) -> Ground:
        clock = ManualClock()
        memory = MemoryOrchestrator(clock, ready_after_s=3)
        memory.commands = {"say": lambda words: (0, words), "exit": lambda words: (int(words[0]), ())}

        def broken(wish: Workload) -> Workload:
            memory.break_generation(wish.site, wish.generation, "It was told to fail.")
            return wish

        return Ground(memory, tick=lambda: clock.advance(1), broken=broken)

    def test_halted_sites_start_again_when_applied(self, ground: Ground) -> None:
        ground.run(workload(1))
        ground.orchestrator.halt()
        assert ground.seen().accepted is None
        assert ground.run(workload(1)).generation == 1
