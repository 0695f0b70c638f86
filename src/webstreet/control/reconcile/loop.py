"""Observe, plan, apply; again whenever something changed or a while has passed."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Literal

from webstreet.control.orchestrators.base import Orchestrator, SeenSite, Step
from webstreet.control.reconcile.plan import Plan, Policy, Trouble, Wanted, plan
from webstreet.kernel.clock import Clock
from webstreet.kernel.errors import WebstreetError
from webstreet.kernel.ids import SiteId

log = logging.getLogger(__name__)

Moment = Literal["before", "after"]


class Loop:
    """Keeps sites as they are wished. One loop a process; several processes may run one, since every step can be repeated.

    Args:
        read_wanted: the wish, read again at every pass.
        record: called at every pass with what was seen and what follows from it; in the thread of the pass.
        orchestrator: asked and told.
        on_step: called before and after each step, in the step's thread.
        policy: how patient to be.
        width: how many sites are worked on at a time.
        sweep_s: the longest time between two passes of `run_forever`.
    """

    def __init__(
        self,
        read_wanted: Callable[[], Mapping[SiteId, Wanted]],
        record: Callable[[Mapping[SiteId, SeenSite], Plan], None],
        orchestrator: Orchestrator,
        clock: Clock,
        on_step: Callable[[Step, Moment], None] | None = None,
        *,
        policy: Policy | None = None,
        width: int = 8,
        sweep_s: float = 5.0,
    ) -> None:
        self._read_wanted = read_wanted
        self._record = record
        self._orchestrator = orchestrator
        self._clock = clock
        self._on_step = on_step or (lambda step, moment: None)
        self._policy = policy or Policy()
        self._width = width
        self._sweep_s = sweep_s
        self._lock = threading.Lock()
        self._troubles: dict[SiteId, Trouble] = {}
        self._busy: set[SiteId] = set()

    def once(self) -> Plan:
        """One pass, its steps carried out to the end.

        Raises:
            WebstreetError: the wish cannot be read, the orchestrator cannot see, or the record cannot be written. An error of a
                single step is not raised: it is the site's trouble, and the reason of its next result.
        """
        with ThreadPoolExecutor(self._width, thread_name_prefix="reconcile") as pool:
            made, futures = self._pass(pool)
            wait(futures)
        return made

    def run_forever(self, wake: threading.Event, stop: threading.Event) -> None:
        """Pass after pass until ``stop`` is set; ``wake`` starts the next one at once (set both to stop at once).

        A long step of one site (a backup) holds up nobody else: its site is left out of the passes until it is done.
        """
        pool = ThreadPoolExecutor(self._width, thread_name_prefix="reconcile")
        failures = 0
        try:
            while not stop.is_set():
                wake.clear()
                pause = self._sweep_s
                try:
                    made, futures = self._pass(pool)
                    for future in futures:
                        future.add_done_callback(lambda _: wake.set())
                    pause = self._pause(made)
                    failures = 0
                except Exception as error:  # the outermost loop: it must outlive a lost database or orchestrator
                    failures += 1
                    pause = self._policy.wait_after(failures).total_seconds()
                    log.error(
                        "reconcile pass failed, next in %.0f s: %s", pause, _words(error), exc_info=not _known(error)
                    )
                if not stop.is_set():
                    wake.wait(pause)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _pass(self, pool: ThreadPoolExecutor) -> tuple[Plan, list[Future[None]]]:
        with self._lock:
            busy = frozenset(self._busy)
            troubles = dict(self._troubles)
        wanted = self._read_wanted()
        seen = self._orchestrator.observe()
        made = plan(wanted, seen, self._policy, self._clock.now(), troubles)
        self._forget(wanted)
        self._record(seen, made)
        futures = []
        for site, steps in made.steps.items():
            if site in busy:
                continue
            with self._lock:
                self._busy.add(site)
            futures.append(pool.submit(self._carry_out, site, wanted[site], steps))
        return made, futures

    def _carry_out(self, site: SiteId, wish: Wanted, steps: tuple[Step, ...]) -> None:
        try:
            for step in steps:
                self._on_step(step, "before")
                self._orchestrator.apply(step)
                self._on_step(step, "after")
        except Exception as error:  # one site's error, whatever it is, stops no other site
            log.warning("%s: %s", site, _words(error), exc_info=not _known(error))
            self._remember(site, wish, error)
        else:
            with self._lock:
                self._troubles.pop(site, None)
        finally:
            with self._lock:
                self._busy.discard(site)

    def _remember(self, site: SiteId, wish: Wanted, error: Exception) -> None:
        retry = error.retry if isinstance(error, WebstreetError) else True
        with self._lock:
            last = self._troubles.get(site)
            count = last.count + 1 if last and last.concerns(wish) else 1
            self._troubles[site] = Trouble(
                count, self._clock.now(), _words(error), wish.workload.generation, wish.closing, retry
            )

    def _forget(self, wanted: Mapping[SiteId, Wanted]) -> None:
        with self._lock:
            for site in set(self._troubles) - set(wanted):
                del self._troubles[site]

    def _pause(self, made: Plan) -> float:
        look = made.next_look
        if look is None:
            return self._sweep_s
        return max(0.05, min(self._sweep_s, (look - self._clock.now()) / dt.timedelta(seconds=1)))


def _known(error: Exception) -> bool:
    return isinstance(error, WebstreetError)


def _words(error: Exception) -> str:
    """For people: a known error's message; of any other only its kind, since its text may hold anything."""
    if isinstance(error, WebstreetError):
        return str(error)
    return f"Something unexpected happened ({type(error).__name__}); the control plane's log has the details."
