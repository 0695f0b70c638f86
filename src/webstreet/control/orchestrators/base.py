"""The orchestrator port: what control asks of the thing that runs sites, as values, and what it sees there."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from webstreet.contract.health import Facts
from webstreet.contract.site import SiteManifest
from webstreet.kernel.errors import WebstreetError
from webstreet.kernel.ids import SiteId
from webstreet.kernel.secret import Secret

COMMAND_S = 7200.0
"""The longest a one-off command may take unless its caller says otherwise, in seconds."""


class OrchestratorError(WebstreetError):
    """The orchestrator could not do or see what was asked. ``retry`` is True unless the wish itself is wrong."""

    code = "orchestrator.failed"
    status = 502
    retry = True


class CommandTooLong(OrchestratorError):
    """A one-off command did not end in the time it was given, and was ended. What it had committed stays."""

    code = "orchestrator.command_too_long"
    status = 504
    retry = False


class SiteUnknown(OrchestratorError):
    """The orchestrator holds no wish for this site, so there is nothing to run, read or back up."""

    code = "orchestrator.site_unknown"
    status = 404
    retry = False


class WishOutdated(OrchestratorError):
    """The orchestrator already holds a newer wish, or another one with the same generation."""

    code = "orchestrator.wish_outdated"
    status = 409
    retry = False


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an adapter can do; the planner asks for nothing else.

    Attributes:
        isolates: processes of two sites cannot read each other's files.
        replicas: more than one copy of a site can run.
        one_off_commands / logs / backups: `run`, `logs`, the `Backup` step.
    """

    isolates: bool = False
    replicas: bool = False
    one_off_commands: bool = True
    logs: bool = True
    backups: bool = True


@dataclass(frozen=True, slots=True)
class Workload:
    """Everything an orchestrator needs to run one site.

    Attributes:
        generation: grows with every change of the wish, so that one number never means two wishes; processes report it back in facts.
        settings: environment variables that may be read by anybody (names in ``contract.environment``).
        secrets: environment variables that may not; handed over as files, never as values in an environment or argument.
        suspended: answer 503 with Retry-After instead of running the site's processes.
    """

    manifest: SiteManifest
    generation: int
    settings: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    suspended: bool = False

    @property
    def site(self) -> SiteId:
        return self.manifest.id


class SiteState(StrEnum):
    """What is seen of a site. The words are shown to people."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    SUSPENDED = "suspended"
    FAILING = "failing"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class SeenProcess:
    """One process of a site ("supervisor", "web", "worker")."""

    name: str
    pid: int | None
    since: dt.datetime | None
    restarts: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class SeenSite:
    """One site as observed, never as wished.

    Attributes:
        state: RUNNING only if the readiness answer came from processes of ``generation``.
        generation: what the serving processes were started for; None if nothing serves.
        accepted: the newest generation whose wish the orchestrator holds and keeps true (it may still be starting); None when it holds
            none, or when what should keep it true does not run and `Apply` must start it again.
        address: base URL under which the site answers on this machine or network; empty if none.
        facts: the site's own answer, if it gave one.
        note: one sentence for a person when state is STARTING, STOPPING or FAILING, and when it is RUNNING but something it uses is away;
            no secret, no personal data.
        backup: path or URL of the newest finished backup, empty if none.
        backups: labels of all finished backups, oldest first.
    """

    site: SiteId
    state: SiteState
    generation: int | None = None
    accepted: int | None = None
    address: str = ""
    facts: Facts | None = None
    processes: Sequence[SeenProcess] = ()
    note: str = ""
    backup: str = ""
    backups: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do to one site. Every step can be repeated; doing it twice is doing it once."""

    site: SiteId

    @property
    def name(self) -> str:
        return type(self).__name__.lower()


@dataclass(frozen=True, slots=True)
class Apply(Step):
    """Make the orchestrator hold this wish, and keep it true without us (create, change, suspend, resume)."""

    workload: Workload


@dataclass(frozen=True, slots=True)
class Backup(Step):
    """Write a consistent backup of all data the hoster keeps for the site; ``label`` makes it idempotent."""

    label: str


@dataclass(frozen=True, slots=True)
class Remove(Step):
    """Stop the site and delete what was made for it, except its backups."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """End of a one-off command: exit code, and what it printed (``contract.jobs`` documents, one a line)."""

    exit_code: int
    stdout: str
    stderr: str


class Orchestrator(ABC):
    """One adapter. Instances are cheap, hold no state that matters, and may be used from several threads."""

    name: ClassVar[str]
    capabilities: ClassVar[Capabilities]

    @abstractmethod
    def observe(self) -> Mapping[SiteId, SeenSite]:
        """Everything that is there, also sites nobody wishes for. Raises `OrchestratorError` if it cannot see."""

    @abstractmethod
    def apply(self, step: Step) -> None:
        """Carry out one step. Returns when the orchestrator holds the wish, not when it came true: observe tells that.

        `Backup` and `Remove` return when done. An older wish, or another one with the same generation, raises `WishOutdated`;
        `Backup` of a site that is not there raises `SiteUnknown`; `Remove` of one is done already.
        """

    @abstractmethod
    def halt(self) -> None:
        """Stop everything that runs here and keep all of it; the next `Apply` of each site starts it again."""

    @abstractmethod
    def run(
        self,
        site: SiteId,
        command: Sequence[str],
        *,
        files: Sequence[Path] = (),
        on_line: Callable[[str], None] | None = None,
        timeout_s: float = COMMAND_S,
    ) -> CommandResult:
        """Run ``python -m webstreet.engine COMMAND...`` once with the site's environment.

        Args:
            files: files the command reads; their paths appear in ``command`` and are made readable there.
            on_line: called with each line of standard output as it comes.
            timeout_s: a command that has not ended by then is ended, and `CommandTooLong` raised.
        """

    def stream(self, site: SiteId, command: Sequence[str], *, timeout_s: float = COMMAND_S) -> Iterator[bytes]:
        """Run a command as `run` does, and hand over the bytes of its standard output as they come; nothing of them is kept.

        Closing the iterator ends the command. One that fails ends the bytes: whoever reads them must know where their end is.
        """
        raise OrchestratorError(f"{self.name} cannot stream what a command writes.", code="orchestrator.no_stream")

    @abstractmethod
    def logs(self, site: SiteId, *, process: str = "", lines: int = 200, follow: bool = False) -> Iterator[str]:
        """The last ``lines`` lines of one process's log, or the newest of all by time; then, with ``follow``, new ones as they come.

        While there is nothing new a follower is given "" at least once a second, so that it can stop.
        """
