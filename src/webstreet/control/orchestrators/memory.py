"""An orchestrator that runs nothing: the same semantics, in memory, for tests and for trying out the planner."""

from __future__ import annotations

import datetime as dt
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from webstreet.contract import CONTRACT_VERSION
from webstreet.contract.health import Facts
from webstreet.control.orchestrators.base import (
    COMMAND_S,
    Apply,
    Backup,
    Capabilities,
    CommandResult,
    Orchestrator,
    OrchestratorError,
    Remove,
    SeenProcess,
    SeenSite,
    SiteState,
    SiteUnknown,
    Step,
    WishOutdated,
    Workload,
)
from webstreet.kernel.clock import Clock, SystemClock
from webstreet.kernel.ids import SiteId

Command = Callable[[Sequence[str]], tuple[int, Sequence[str]]]


@dataclass
class _Site:
    workload: Workload
    ready_at: dt.datetime
    since: dt.datetime
    kept: bool = True
    serving: Workload | None = None
    lines: list[str] = field(default_factory=list)


class MemoryOrchestrator(Orchestrator):
    """Sites that become what is wished ``ready_after_s`` later by ``clock``.

    Attributes:
        ready_after_s: how long a new generation takes; may be changed at any time.
        commands: one-off commands by name: a function of the arguments that gives exit code and lines.
        applied: every step that was carried out, in order.
    """

    name = "memory"
    capabilities = Capabilities(isolates=True, replicas=True)

    def __init__(self, clock: Clock | None = None, ready_after_s: float = 0.0) -> None:
        self.ready_after_s = ready_after_s
        self.commands: dict[str, Command] = {}
        self.applied: list[Step] = []
        self._clock = clock or SystemClock()
        self._sites: dict[SiteId, _Site] = {}
        self._backups: dict[SiteId, list[str]] = defaultdict(list)
        self._broken: dict[tuple[SiteId, int], str] = {}
        self._errors: dict[SiteId, list[Exception]] = defaultdict(list)
        self._blind: Exception | None = None
        self._lock = threading.RLock()

    # What a test arranges

    def break_generation(self, site: SiteId, generation: int, why: str) -> None:
        """This generation will never be ready, and ``why`` is its note."""
        self._broken[site, generation] = why

    def fail_next(self, site: SiteId, *errors: Exception) -> None:
        """The next steps for ``site`` raise these, one each, before they do anything."""
        self._errors[site].extend(errors)

    def blind(self, error: Exception | None) -> None:
        """`observe` raises this until it is called again with None."""
        self._blind = error

    def halt(self) -> None:
        """Nothing runs any more, everything is kept; the next `Apply` of each site starts it again."""
        with self._lock:
            for held in self._sites.values():
                held.kept, held.serving = False, None

    # The port

    def observe(self) -> Mapping[SiteId, SeenSite]:
        if self._blind:
            raise self._blind
        with self._lock:
            return {site: self._look(site, held) for site, held in sorted(self._sites.items())}

    def _look(self, site: SiteId, held: _Site) -> SeenSite:
        self._progress(site, held)
        backups = tuple(self._backups[site])
        backup = f"memory:{site}/{backups[-1]}" if backups else ""
        if not held.kept:
            return SeenSite(site, SiteState.FAILING, note="It was halted.", backup=backup, backups=backups)
        wanted = held.workload.generation
        note = self._broken.get((site, wanted), "")
        if held.workload.suspended and held.serving is None:
            return SeenSite(site, SiteState.SUSPENDED, accepted=wanted, backup=backup, backups=backups)
        if held.serving is None:
            state = SiteState.FAILING if note else SiteState.STARTING
            return SeenSite(
                site, state, accepted=wanted, note=note or "It is starting.", backup=backup, backups=backups
            )
        return SeenSite(
            site,
            SiteState.RUNNING,
            generation=held.serving.generation,
            accepted=wanted,
            address=f"http://{site.site}.{site.client}.example",
            facts=_facts(held.serving, held.since),
            processes=tuple(SeenProcess(name, None, held.since) for name in ("web", "worker")),
            note=note if wanted != held.serving.generation else "",
            backup=backup,
            backups=backups,
        )

    def _progress(self, site: SiteId, held: _Site) -> None:
        wanted = held.workload
        if not held.kept or self._clock.now() < held.ready_at or (site, wanted.generation) in self._broken:
            return
        if wanted.suspended:
            held.serving = None
        elif held.serving is None or held.serving.generation != wanted.generation:
            held.serving, held.since = wanted, self._clock.now()
            held.lines.append(f"generation {wanted.generation} serves")

    def apply(self, step: Step) -> None:
        with self._lock:
            if self._errors[step.site]:
                raise self._errors[step.site].pop(0)
            match step:
                case Apply():
                    self._apply(step)
                case Backup():
                    self._held(step.site)
                    if step.label not in self._backups[step.site]:
                        self._backups[step.site].append(step.label)
                case Remove():
                    self._sites.pop(step.site, None)
                case _:
                    raise OrchestratorError(f"The memory orchestrator cannot do the step {step.name}.")
            self.applied.append(step)

    def _apply(self, step: Apply) -> None:
        now = self._clock.now()
        ready_at = now + dt.timedelta(seconds=self.ready_after_s)
        held = self._sites.get(step.site)
        if held is None:
            self._sites[step.site] = _Site(step.workload, ready_at, now)
            return
        generation = held.workload.generation
        if step.workload.generation < generation:
            raise WishOutdated(f"{step.site} is already at generation {generation}.")
        if step.workload.generation == generation and step.workload != held.workload:
            raise WishOutdated(f"Generation {generation} of {step.site} was already applied with other contents.")
        if step.workload != held.workload or not held.kept:
            held.workload, held.ready_at, held.kept = step.workload, ready_at, True

    def _held(self, site: SiteId) -> _Site:
        if site not in self._sites:
            raise SiteUnknown(f"There is no site {site} here.")
        return self._sites[site]

    def run(
        self,
        site: SiteId,
        command: Sequence[str],
        *,
        files: Sequence[Path] = (),
        on_line: Callable[[str], None] | None = None,
        timeout_s: float = COMMAND_S,
    ) -> CommandResult:
        with self._lock:
            self._held(site)
        name, *arguments = command
        if name not in self.commands:
            return CommandResult(2, "", f"unknown command {name}\n")
        code, lines = self.commands[name](arguments)
        for line in lines:
            if on_line:
                on_line(line)
        return CommandResult(code, "".join(f"{line}\n" for line in lines), "")

    def stream(self, site: SiteId, command: Sequence[str], *, timeout_s: float = COMMAND_S) -> Iterator[bytes]:
        return iter([self.run(site, command).stdout.encode("latin-1")])

    def logs(self, site: SiteId, *, process: str = "", lines: int = 200, follow: bool = False) -> Iterator[str]:
        with self._lock:
            kept = list(self._held(site).lines[-lines:] if lines else ())
        return iter(kept if process == "web" else [f"web: {line}" for line in kept])


def _facts(workload: Workload, since: dt.datetime) -> Facts:
    return Facts(
        client=workload.site.client,
        site=workload.site.site,
        release="0",
        contract=CONTRACT_VERSION,
        generation=workload.generation,
        manifest_digest="",
        started_at=since.isoformat(timespec="seconds"),
        atoms=list(workload.manifest.atoms),
    )
