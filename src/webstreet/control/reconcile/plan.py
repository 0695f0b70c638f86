"""What to do next for every site: a pure function of what is wanted, what is seen, and when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from webstreet.control.orchestrators.base import Apply, Backup, Remove, SeenSite, SiteState, Step, Workload
from webstreet.kernel.errors import Sentence
from webstreet.kernel.ids import SiteId


@dataclass(frozen=True, slots=True)
class Wanted:
    """The wish for one site.

    Attributes:
        closing: back up under ``final_backup_label``, then remove. A closing wish should also be suspended, so that nothing is
            written after the backup; the plan then waits until it is.
    """

    workload: Workload
    closing: bool = False
    final_backup_label: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """How patient to be.

    Attributes:
        look_again_s: when to look again at a site on which something is under way.
        retry_first_s / retry_max_s: the wait after the first error of a site, doubled with each one up to the second.
    """

    look_again_s: float = 1.0
    retry_first_s: float = 1.0
    retry_max_s: float = 60.0

    def wait_after(self, count: int) -> dt.timedelta:
        """The wait after the ``count``-th error in a row (1 is the first)."""
        return dt.timedelta(seconds=min(self.retry_max_s, self.retry_first_s * 2 ** min(count - 1, 30)))


@dataclass(frozen=True, slots=True)
class Trouble:
    """The last step for a site ended with an error.

    Attributes:
        count: errors in a row.
        at: when the last one happened.
        generation / closing: the wish that was tried; another wish is tried at once.
        retry: whether the same step may succeed later.
    """

    count: int
    at: dt.datetime
    why: str
    generation: int
    closing: bool = False
    retry: bool = True

    def concerns(self, wanted: Wanted) -> bool:
        return (self.generation, self.closing) == (wanted.workload.generation, wanted.closing)


@dataclass(frozen=True, slots=True)
class Settled:
    """As wished; nothing to do."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """On its way, or tried again later: look again at ``until``."""

    until: dt.datetime
    why: str


@dataclass(frozen=True, slots=True)
class Stalled:
    """Not as wished, and nothing we could do now would change that: somebody should read why."""

    why: str


Result = Settled | Waiting | Stalled


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do and what to say.

    Attributes:
        steps: only sites that need something; the steps of one site are carried out in order, sites in parallel.
        results: every wanted site and every seen one.
        unknown: seen, but nobody wishes for them; they are left alone.
    """

    steps: Mapping[SiteId, tuple[Step, ...]] = field(default_factory=dict)
    results: Mapping[SiteId, Result] = field(default_factory=dict)
    unknown: tuple[SiteId, ...] = ()

    @property
    def next_look(self) -> dt.datetime | None:
        """The earliest instant at which a site wants to be looked at again."""
        return min((r.until for r in self.results.values() if isinstance(r, Waiting)), default=None)


NO_TROUBLES: Mapping[SiteId, Trouble] = {}


def plan(
    wanted: Mapping[SiteId, Wanted],
    seen: Mapping[SiteId, SeenSite],
    policy: Policy,
    now: dt.datetime,
    troubles: Mapping[SiteId, Trouble] = NO_TROUBLES,
) -> Plan:
    """Compare wish and observation, site by site.

    Args:
        troubles: the sites whose last step failed; they wait, or stay as they are if waiting does not help.
    """
    steps: dict[SiteId, tuple[Step, ...]] = {}
    results: dict[SiteId, Result] = {}
    for site, wish in sorted(wanted.items()):
        todo, results[site] = _one(wish, seen.get(site), policy, now)
        trouble = troubles.get(site)
        if todo and trouble and trouble.concerns(wish):
            held = _held(trouble, policy, now)
            if held:
                todo, results[site] = (), held
        if todo:
            steps[site] = todo
    unknown = tuple(sorted(set(seen) - set(wanted)))
    for site in unknown:
        results[site] = Stalled(
            Sentence.of(
                "loop.unknown",
                "It is there, but nobody wishes for it. It is left alone: open it again, or remove it by hand.",
            )
        )
    return Plan(steps, results, unknown)


def _held(trouble: Trouble, policy: Policy, now: dt.datetime) -> Result | None:
    if not trouble.retry:
        return Stalled(trouble.why)
    until = trouble.at + policy.wait_after(trouble.count)
    return Waiting(until, trouble.why) if now < until else None


def _one(wish: Wanted, seen: SeenSite | None, policy: Policy, now: dt.datetime) -> tuple[tuple[Step, ...], Result]:
    soon = now + dt.timedelta(seconds=policy.look_again_s)
    workload = wish.workload
    if wish.closing:
        return _closing(wish, seen, soon)
    if seen is None or seen.accepted is None or seen.accepted < workload.generation:
        return (Apply(workload.site, workload),), Waiting(
            soon,
            Sentence.of("loop.handing", "Generation {n} is being handed over.", n=workload.generation),
        )
    return (), _progress(workload, seen, soon)


def _closing(wish: Wanted, seen: SeenSite | None, soon: dt.datetime) -> tuple[tuple[Step, ...], Result]:
    workload, label = wish.workload, wish.final_backup_label
    if seen is None:
        return (), Settled()
    if not label:
        return (), Stalled(
            Sentence.of("loop.no_label", "It is to be closed, but its final backup has no label, so it is kept.")
        )
    if label in seen.backups:
        return (Remove(workload.site),), Waiting(
            soon, Sentence.of("loop.removing", "The final backup is kept; the site is being removed.")
        )
    if workload.suspended and seen.state is not SiteState.SUSPENDED:
        if seen.accepted is None or seen.accepted < workload.generation:
            return (Apply(workload.site, workload),), Waiting(
                soon, Sentence.of("loop.to_stop", "It is being stopped before its final backup.")
            )
        return (), Waiting(soon, Sentence.of("loop.stopping", "It is stopping before its final backup."))
    return (Backup(workload.site, label),), Waiting(soon, Sentence.of("loop.backup", "The final backup is being made."))


def _progress(workload: Workload, seen: SeenSite, soon: dt.datetime) -> Result:
    """The result for a site whose orchestrator holds a wish at least as new as ours."""
    generation = workload.generation
    if seen.accepted is not None and seen.accepted > generation:
        return Stalled(
            Sentence.of(
                "loop.newer",
                "Generation {old} is already there, newer than the wanted {n}: this control plane's database is"
                " older than what runs. Change the site once more, or restore the newer database.",
                old=seen.accepted,
                n=generation,
            )
        )
    if workload.suspended:
        suspending = Sentence.of("loop.suspending", "It is being suspended.")
        return Settled() if seen.state is SiteState.SUSPENDED else Waiting(soon, seen.note or suspending)
    if seen.state is SiteState.RUNNING and seen.generation == generation:
        return Settled()
    if seen.state is SiteState.FAILING:
        return Stalled(seen.note or Sentence.of("loop.fails", "It fails, and the orchestrator does not say why."))
    if seen.state is SiteState.RUNNING and seen.note:
        return Stalled(
            Sentence.of(
                "loop.old_serves",
                "Generation {old} still serves, because generation {n} fails: {why}",
                old=seen.generation,
                n=generation,
                why=seen.note,
            )
        )
    return Waiting(soon, seen.note or Sentence.of("loop.starting", "Generation {n} is starting.", n=generation))
