"""The in-memory orchestrator, for tests of whatever speaks to an orchestrator."""

from __future__ import annotations

from webstreet.control.orchestrators.memory import MemoryOrchestrator

__all__ = ["MemoryOrchestrator"]
