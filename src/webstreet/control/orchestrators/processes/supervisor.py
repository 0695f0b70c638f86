"""The supervisor of one site: ``python -m webstreet.control.orchestrators.processes.supervisor FOLDER``.

Holds the listening socket and makes wanted.json true, with nobody's help. Standard library only.

Signals: HUP reads wanted.json again (it is read every few seconds anyway), TERM ends the site's processes and the supervisor.
Exit codes of the starting command: 0 it runs, 3 another one runs already, 4 the port is taken, 5 a file cannot be used.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from webstreet.control.orchestrators.processes import door
from webstreet.control.orchestrators.processes.child import Child, end_leftovers
from webstreet.control.orchestrators.processes.folder import (
    PASSED_ON,
    Folder,
    boot_id,
    delete_tree,
    read_json,
    started,
    take_lock,
    write_json,
)  # fmt: skip
from webstreet.control.orchestrators.processes.logfile import LogFile
from webstreet.control.orchestrators.processes.probe import Probe
from webstreet.control.orchestrators.processes.release import Candidate, Kept, Serving, Wish
from webstreet.kernel.errors import Sentence

HOST = "127.0.0.1"
BACKLOG = 1024
REREAD_S = 3.0
HOLD_S = 5.0
LEFTOVER_GRACE_S = 3.0
HUNG_GRACE_S = 5.0
STOPPING = Sentence.of("site.stopping", "Its processes are stopping.")
WEB_STARTING = Sentence.of("web.starting", "Its web process is starting.")
WORKER_STARTING = Sentence.of("worker.starting", "Its worker is starting.")
ALREADY, PORT_TAKEN, UNUSABLE = 3, 4, 5


class Refused(Exception):
    """The supervisor cannot start; ``code`` is its exit code."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class Supervisor:
    """One loop: look at the processes, compare with the wish, do the next thing, write down what is seen."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        lock = take_lock(folder.lock)
        if lock is None:
            raise Refused(ALREADY, "another supervisor runs already")
        self._lock = lock
        self.wish = self._first_wish()
        self._logs: dict[str, LogFile] = {}
        self._selector = selectors.DefaultSelector()
        left = end_leftovers(folder.path, LEFTOVER_GRACE_S)
        self._listener = self._listen()
        self._door = door.Door(self._listener, self._selector)
        before = read_json(folder.seen) or {}
        self._prepared = bool(before.get("prepared"))
        self.serving = self._served_before(before.get("serving"))
        self.candidate: Candidate | None = None
        self.retiring: list[Child] = []
        self._probe = Probe((HOST, self.wish.port), self.wish.host, self.wish.probe_s)
        self._ending = self._ended = False
        self._reread_at, self._since = 0.0, time.time()
        self._missing = 0
        self._written: dict[str, Any] = {}
        self._pruned = 0
        self.say(
            f"supervisor started for generation {self.wish.generation}"
            + (f"; ended {left} left-over processes" if left else "")
        )
        try:
            self._write(self._sight())
        except OSError as error:
            raise Refused(UNUSABLE, f"{folder.seen} cannot be written: {error.strerror}") from None

    def _first_wish(self) -> Wish:
        document = read_json(self.folder.wanted)
        try:
            return Wish.of(document or {})
        except (KeyError, TypeError, ValueError) as error:
            raise Refused(UNUSABLE, f"{self.folder.wanted} is not a wish: {error!r}") from None

    def _listen(self) -> socket.socket:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        try:
            listener.bind((HOST, self.wish.port))
        except OSError as error:
            raise Refused(PORT_TAKEN, f"port {self.wish.port}: {error.strerror}") from None
        listener.listen(BACKLOG)
        return listener

    def _served_before(self, generation: object) -> Serving | None:
        """The older generation that an earlier supervisor was serving while the wanted one was not ready: it serves again."""
        if not isinstance(generation, int) or generation == self.wish.generation or self.wish.suspended:
            return None
        try:
            return Serving(Wish.of(self.folder.wish(generation) or {}), self)
        except (KeyError, TypeError, ValueError):
            return None

    # `release.Yard`: what the processes of a generation ask of us

    def start(
        self,
        name: str,
        argv: Sequence[str],
        wish: Wish,
        *,
        web: bool = False,
        on_line: Callable[[bytes], None] | None = None,
    ) -> Child:
        environment = {key: os.environ[key] for key in PASSED_ON if key in os.environ} | wish.environment
        log = self._log(name, wish.log_bytes)
        listener = self._listener if web else None
        child = Child(name, argv, environment, self.folder.path, self._selector, log, listener, on_line)
        self.say(f"{name} of generation {wish.generation} started, pid {child.pid}")
        return child

    def retire(self, child: Child, grace_s: float) -> None:
        child.stop(grace_s)
        self.retiring.append(child)

    def say(self, sentence: str) -> None:
        self._log("supervisor", self.wish.log_bytes).say(sentence)

    def _log(self, name: str, limit: int) -> LogFile:
        if name not in self._logs:
            self._logs[name] = LogFile(self.folder.logs / f"{name}.log", limit)
        return self._logs[name]

    # The loop

    def run(self) -> None:
        """Until told to end. Returns when none of the site's processes is left."""
        wakes = self._catch_signals()
        while not self._ended:
            now = time.monotonic()
            self._tick(now)
            sight = self._sight()
            if sight != self._written:
                with contextlib.suppress(OSError):
                    self._write(sight)
            for key, events in self._selector.select(self._pause(time.monotonic())):
                if key.fileobj == wakes:
                    self._drain(wakes)
                else:
                    key.data(events)
        with contextlib.suppress(OSError):
            self._write(self._sight())
        self.say("supervisor ended")

    def _catch_signals(self) -> int:
        reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGHUP, lambda *_: setattr(self, "_reread_at", 0.0))
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "_ending", True))
        signal.signal(signal.SIGINT, lambda *_: setattr(self, "_ending", True))
        self._selector.register(reading, selectors.EVENT_READ, None)
        return reading

    @staticmethod
    def _drain(pipe: int) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(pipe, 4096):
                pass

    def _pause(self, now: float) -> float:
        """How long nothing needs to be done unless something happens."""
        if self._ended:
            return 0.0
        if self.retiring or self._door.busy or self._written == {}:
            return 0.05
        waits = [self._reread_at]
        if self.candidate:
            busy = self.candidate.prepare or self.candidate.web
            waits.append(now + 0.1 if busy else self.candidate.not_before)
        for kept in self.serving.kept if self.serving else ():
            if not kept.up:
                waits.append(max(kept.not_before, now + 0.05))
        return max(0.0, min(waits) - now)

    def _tick(self, now: float) -> None:
        if now >= self._reread_at:
            self._reread_at = now + REREAD_S
            self._reread()
        self.retiring = [child for child in self.retiring if not child.look(now)]
        if self._ending or self.wish.removing or self.wish.suspended:
            self._stop_all()
            self._ending = self._ending or self.wish.removing
            self._ended = self._ending and not self.retiring
        else:
            self._go_on(now)
        self._prune()
        self._door.show(None if self._ending else self._reason(now))
        self._door.sweep(now)

    def _reread(self) -> None:
        try:
            seen, document = read_json(self.folder.seen), read_json(self.folder.wanted)
        except OSError as error:
            self.say(f"the wish cannot be read now: {error.strerror}")
            return
        if seen != self._written:
            self._written = {}  # somebody else touched it: it is written again
        self._missing = 0 if document else self._missing + 1
        if self._missing > 2:
            self.say("wanted.json is gone: ending")
            self._ending = True
        with contextlib.suppress(KeyError, TypeError, ValueError):
            new = Wish.of(document or {})
            if new.generation != self.wish.generation:
                self.say(f"generation {new.generation} is wanted")
            self.wish = new

    def _stop_all(self) -> None:
        if self.candidate:
            self.candidate.drop()
            self.candidate = None
        if self.serving:
            self.serving.retire()
            self.serving = None

    def _go_on(self, now: float) -> None:
        if self.serving and self.serving.wish.generation == self.wish.generation:
            if self.candidate:
                self.candidate.drop()
                self.candidate = None
        elif self.candidate is None or self.candidate.wish.generation != self.wish.generation:
            if self.candidate:
                self.candidate.drop()
            self.candidate = Candidate(self.wish, self)
        if self.candidate and self.candidate.tick(now):
            self._switch(self.candidate)
        if self.serving:
            self.serving.web.tick(now)
            self._watch_for_silence(self.serving.web, now)
            # Two workers of one site would take each other's work: the new one starts when the old one is gone.
            self.serving.worker.tick(now, may_start=not any(child.name == "worker" for child in self.retiring))

    def _watch_for_silence(self, web: Kept, now: float) -> None:
        """Replace a web process that runs but answers nobody any more."""
        shared = self.candidate is not None or any(child.name == "web" for child in self.retiring)
        if shared or web.child is None or not web.up or web.child.stop_by is not None:
            self._probe.forget()
        elif self._probe.tick(web.child, now):
            self.say("web runs but does not answer any more; it is replaced")
            web.child.stop(min(HUNG_GRACE_S, web.wish.stop_s))

    def _switch(self, candidate: Candidate) -> None:
        """The new web process accepts from now on; only then is the old one told to finish what it has."""
        old, self.serving = self.serving, Serving(candidate.wish, self, candidate.web)
        self.candidate = None
        self._prepared = True
        self.say(f"generation {candidate.wish.generation} serves")
        if old:
            old.retire()

    def _prune(self) -> None:
        """Forget the generations before the one that serves (or is suspended): they hold secrets nobody needs any more."""
        keep = self.wish.generation if self.wish.suspended else self.serving.wish.generation if self.serving else 0
        if keep <= self._pruned or self.retiring:
            return
        self._pruned = keep
        with contextlib.suppress(OSError):
            for entry in os.listdir(self.folder.generations):
                if entry.isdigit() and int(entry) < keep:
                    delete_tree(self.folder.generations / entry)

    def _reason(self, now: float) -> door.Reason | None:
        if self.wish.suspended:
            return door.SUSPENDED
        if self.serving is None:
            return door.FAILING if self.candidate and self.candidate.failures else door.PREPARING
        web = self.serving.web
        # A single crash is over in a moment: its visitors wait in the socket's queue and never see an error.
        return None if web.up or (web.failures < 2 and now - web.down_since < HOLD_S) else door.FAILING

    # What is seen

    def _state(self) -> tuple[str, str]:
        if self._ending or self.wish.suspended:
            return ("stopping", STOPPING) if self.retiring else ("suspended", "")
        pending = self.candidate.note if self.candidate else ""
        if self.serving is None:
            return ("failing" if self.candidate and self.candidate.failures else "starting"), pending
        web, worker = self.serving.web, self.serving.worker
        if not web.up:
            return ("failing" if web.failures > 1 else "starting"), web.note or WEB_STARTING
        if worker.failures > 1:
            return "failing", Sentence.of(
                "worker.failing", "The site answers, but its background work stands still: {why}", why=worker.note
            )
        if worker.argv and not worker.up and not pending:
            return "starting", WORKER_STARTING
        return "running", pending if self.candidate and self.candidate.failures else ""

    def _sight(self) -> dict[str, Any]:
        state, note = self._state()
        pid = os.getpid()
        seen: list[dict[str, Any]] = [
            {"name": "supervisor", "pid": pid, "since": self._since, "restarts": 0, "note": ""}
        ]
        for kept in self.serving.kept if self.serving else ():
            if kept.argv:
                seen.append(_described(kept.name, kept.child, kept))
        for child in (self.candidate.prepare, self.candidate.web) if self.candidate else ():
            if child:
                seen.append(_described(f"{child.name} (generation {self.wish.generation})", child, None))
        return {
            "version": 1,
            "pid": pid,
            "start": started(pid),
            "boot": boot_id(),
            "site": self.wish.site,
            "port": self.wish.port,
            "accepted": self.wish.generation,
            "serving": self.serving.wish.generation if self.serving else None,
            "state": state,
            "note": note,
            "said": Sentence.kept(note),
            "prepared": self._prepared,
            "processes": seen,
        }

    def _write(self, sight: dict[str, Any]) -> None:
        write_json(self.folder.seen, sight)
        self._written = sight


def _described(name: str, child: Child | None, kept: Kept | None) -> dict[str, Any]:
    return {
        "name": name,
        "pid": child.pid if child else None,
        "since": child.since if child else None,
        "restarts": kept.restarts if kept else 0,
        "note": kept.note if kept else "",
    }


def _run(folder: Folder, report: Callable[[int, str], None]) -> int:
    """Start, tell the one who started us how that went, and stay."""
    try:
        supervisor = Supervisor(folder)
    except Refused as error:
        report(error.code, str(error))
        return error.code
    except OSError as error:
        report(UNUSABLE, f"{error.filename or folder.path}: {error.strerror}")
        return UNUSABLE
    report(0, "")
    supervisor.run()
    return 0


def _detached(folder: Folder) -> int:
    """Run in a process of its own session; the caller learns whether it started and goes its way."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    if os.fork():
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            answer = pipe.read()
        outcome: list[Any] = json.loads(answer) if answer else [UNUSABLE, "the supervisor ended while it started"]
        if outcome[0]:
            sys.stderr.write(outcome[1] + "\n")
        return int(outcome[0])
    os.close(reading)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)

    def report(code: int, sentence: str) -> None:
        os.write(writing, json.dumps([code, sentence]).encode())
        os.close(writing)

    try:
        os._exit(_run(folder, report))
    except BaseException as error:
        with contextlib.suppress(OSError):
            LogFile(folder.logs / "supervisor.log", 5_000_000).say(f"supervisor broke: {error!r}")
        raise


def main(arguments: Sequence[str]) -> int:
    options = [a for a in arguments if a.startswith("--")]
    names = [a for a in arguments if not a.startswith("--")]
    if len(names) != 1 or set(options) - {"--foreground"}:
        sys.stderr.write("usage: supervisor [--foreground] FOLDER\n")
        return 2
    folder = Folder(Path(os.path.realpath(names[0])))
    os.chdir(folder.path)
    os.umask(0o077)
    if options:
        return _run(folder, lambda code, sentence: print(sentence or "started", file=sys.stderr))
    return _detached(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
