from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.orchestrator import Ground, OrchestratorConformance
from tests.orchestrators.ground import processes


class TestProcesses(OrchestratorConformance):
    @pytest.fixture
    def ground(self, tmp_path: Path) -> Iterator[Ground]:
        with processes(tmp_path) as ground:
            yield ground
