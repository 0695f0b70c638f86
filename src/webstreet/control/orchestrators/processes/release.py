"""The processes of one generation of a site: getting ready, then kept running. Standard library only."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from webstreet.control.orchestrators.processes.child import Child
from webstreet.control.orchestrators.processes.folder import Folder, read_json
from webstreet.kernel.errors import Sentence

STEADY_S = 60.0
BACK_OFF_MAX_S = 60.0


@dataclass(frozen=True)
class Wish:
    """wanted.json, as the supervisor reads it.

    Attributes:
        prepare, web, worker: argument lists; an empty one is left out. "{fd}" in web is the inherited listening socket.
        ready_s: how long a new web process may take to say READY=1 (sd_notify(3)), which it does before it accepts.
        stop_s: how long a process may take to finish what it is doing.
        probe_s: how often the web process is asked whether it still answers.
    """

    site: str
    generation: int
    port: int
    suspended: bool
    removing: bool
    prepare: Sequence[str]
    web: Sequence[str]
    worker: Sequence[str]
    environment: dict[str, str]
    log_bytes: int
    ready_s: float
    stop_s: float
    probe_s: float

    @property
    def host(self) -> str:
        """The name the site expects to be asked by."""
        return self.environment.get("BASE_URL", "").partition("://")[2].rstrip("/") or "127.0.0.1"

    @classmethod
    def of(cls, document: dict[str, Any]) -> Wish:
        """Raises KeyError, TypeError or ValueError for a document that is not a wish."""
        return cls(
            site=str(document["site"]),
            generation=int(document["generation"]),
            port=int(document["port"]),
            suspended=bool(document.get("suspended")),
            removing=bool(document.get("removing")),
            prepare=list(document.get("prepare", ())),
            web=list(document["web"]),
            worker=list(document.get("worker", ())),
            environment=dict(document.get("environment", {})),
            log_bytes=int(document.get("log_bytes", 5_000_000)),
            ready_s=float(document.get("ready_s", 60)),
            stop_s=float(document.get("stop_s", 30)),
            probe_s=float(document.get("probe_s", 10)),
        )


def read_wish(folder: Folder) -> dict[str, Any] | None:
    """wanted.json as it is, if it can be used; None if it is missing or was damaged by hand (then it is written anew)."""
    document = read_json(folder.wanted)
    try:
        Wish.of(document or {})
    except (KeyError, TypeError, ValueError):
        return None
    return document


class Yard(Protocol):
    """What `Kept`, `Serving` and `Candidate` need of the supervisor: start a process, let one finish, write a line of the log."""

    def start(
        self,
        name: str,
        argv: Sequence[str],
        wish: Wish,
        *,
        web: bool = False,
        on_line: Callable[[bytes], None] | None = None,
    ) -> Child: ...

    def retire(self, child: Child, grace_s: float) -> None: ...

    def say(self, sentence: str) -> None: ...


def back_off(failures: int) -> float:
    """Seconds before the next try after ``failures`` in a row: at once, then 1, 2, 4, ... up to a minute."""
    return 0.0 if failures < 2 else min(BACK_OFF_MAX_S, 2.0 ** min(failures - 2, 10))


def ending(code: int | None) -> str:
    if code is None:
        return "could not be started"
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


class Kept:
    """One process that is kept running: started again when it ends, later each time it ends soon."""

    def __init__(self, name: str, argv: Sequence[str], wish: Wish, yard: Yard, child: Child | None = None) -> None:
        self.name = name
        self.argv = argv
        self.wish = wish
        self.child = child
        self.restarts = 0
        self.failures = 0
        self.note = ""
        self.down_since = time.monotonic()
        self.not_before = 0.0
        self._yard = yard
        self._web = name == "web"

    @property
    def up(self) -> bool:
        """It runs, and if it is the web process it answers."""
        return self.child is not None and (self.child.ready if self._web else self.child.ended is None)

    def tick(self, now: float, *, may_start: bool = True) -> None:
        if self.child is not None:
            self._watch(self.child, now)
        if self.child is None and self.argv and may_start and now >= self.not_before:
            try:
                self.child = self._yard.start(self.name, self.argv, self.wish, web=self._web)
            except OSError as error:
                self._failed(now, f"{self.name} could not be started: {error.strerror}")

    def _watch(self, child: Child, now: float) -> None:
        if not child.look(now):
            if now - child.born > STEADY_S:
                self.failures, self.note = 0, ""
            if self._web and not child.ready and child.stop_by is None and now - child.born > self.wish.ready_s:
                self._yard.say(f"web is not ready after {self.wish.ready_s:.0f} s and is started again")
                child.stop(self.wish.stop_s)
            if self.up:
                self.down_since = now
            return
        if child.stop_by is None or self._web:
            self._failed(now, f"{self.name} {ending(child.ended)}")
        self.child = None

    def _failed(self, now: float, what: str) -> None:
        self.failures += 1
        self.restarts += 1
        wait = back_off(self.failures)
        self.not_before = now + wait
        again = f"started again in {wait:.0f} s" if wait else "started again"
        self.note = f"{what}; {again} (restart {self.restarts})."
        self._yard.say(self.note)

    def retire(self) -> None:
        if self.child is not None:
            self._yard.retire(self.child, self.wish.stop_s)
            self.child = None


class Serving:
    """The generation that readers reach."""

    def __init__(self, wish: Wish, yard: Yard, web: Child | None = None) -> None:
        self.wish = wish
        self.web = Kept("web", wish.web, wish, yard, web)
        self.worker = Kept("worker", wish.worker, wish, yard)

    @property
    def kept(self) -> tuple[Kept, ...]:
        return (self.web, self.worker)

    def retire(self) -> None:
        for process in self.kept:
            process.retire()


class Candidate:
    """A generation on its way: prepare runs to its end, then the web process starts and says that it is ready.

    Until then it accepts nobody, so a generation that cannot get ready is never seen by a reader. After a failure all of it is
    tried again, later each time.
    """

    def __init__(self, wish: Wish, yard: Yard) -> None:
        self.wish = wish
        self.failures = 0
        self.note: str = Sentence.of("generation.preparing", "Generation {n} is being prepared.", n=wish.generation)
        self.not_before = 0.0
        self.prepare: Child | None = None
        self.web: Child | None = None
        self._yard = yard
        self._said = ""

    def tick(self, now: float) -> bool:
        """Go on; True once its web process is ready."""
        try:
            if self.web is not None:
                return self._watch_web(self.web, now)
            if self.prepare is not None:
                self._watch_prepare(self.prepare, now)
            elif now >= self.not_before:
                self._begin()
        except OSError as error:
            self._failed(now, f"could not be started: {error.strerror} ({error.filename or 'program'})")
        return False

    def _begin(self) -> None:
        self._said = ""
        if self.wish.prepare:
            self.prepare = self._yard.start("prepare", self.wish.prepare, self.wish, on_line=self._hear)
        else:
            self._start_web()

    def _start_web(self) -> None:
        self.web = self._yard.start("web", self.wish.web, self.wish, web=True)

    def _watch_prepare(self, child: Child, now: float) -> None:
        if not child.look(now):
            return
        self.prepare = None
        if child.ended:
            self._failed(now, self._said or f"prepare {ending(child.ended)}; its log says more")
        else:
            self._start_web()

    def _watch_web(self, child: Child, now: float) -> bool:
        if child.look(now):
            self.web = None
            self._failed(now, f"its web process {ending(child.ended)} before it was ready; its log says more")
            return False
        if child.ready:
            return True
        if now - child.born > self.wish.ready_s:
            self.drop()
            status = child.ear.status if child.ear else ""
            self._failed(
                now, f"its web process is not ready after {self.wish.ready_s:.0f} s{': ' + status if status else ''}"
            )
        return False

    def _hear(self, line: bytes) -> None:
        """Takes ``contract.jobs`` documents from what prepare prints; any other line is only logged."""
        try:
            document = json.loads(line)
            kind = document["kind"]
            if kind == "failure":
                self._said = f"{document['message']} [{document['code']}]"[:600]
            elif kind == "progress" and not self.failures:
                of = f" of {document['total']}" if document.get("total") else ""
                self.note = f"{document['step']}: {document['done']}{of}."[:200]
        except (ValueError, KeyError, TypeError):
            return

    def _failed(self, now: float, why: str) -> None:
        self.failures += 1
        wait = max(1.0, back_off(self.failures + 1))
        self.not_before = now + wait
        self.note = Sentence.of(
            "generation.fails",
            "Generation {n}: {why}. Tried {times} time(s), tried again every {wait} s.",
            n=self.wish.generation,
            why=why.rstrip("."),
            times=self.failures,
            wait=f"{wait:.0f}",
        )
        self._yard.say(self.note)

    def drop(self) -> None:
        """End what it started."""
        for child in (self.prepare, self.web):
            if child is not None:
                self._yard.retire(child, self.wish.stop_s)
        self.prepare = self.web = None
