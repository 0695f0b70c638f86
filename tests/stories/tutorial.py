"""Follows a page of the docs to the letter: writes the files it shows, types the commands it shows, compares what they print.

A page is read from top to bottom:

- a fenced block with a ``title`` is a file, written to that place;
- a ``console`` block is typed line by line (``$ `` begins a command); the lines below a command are what it must print, in this order,
  where ``...`` stands for any lines;
- ``<!-- keeps running until: WHAT -->`` after a block: its command goes on in a terminal of its own; WHAT is a URL that answers, or a
  command (``$ ...``) that succeeds;
- ``<!-- by hand: NAME -->`` is what the reader does in the browser; the test brings a function of that name.

``instead`` replaces what cannot be the same on every machine: ports.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.meta.source import ROOT

COMMAND_TIMEOUT_S = 240
STARTED_WITHIN_S = 180
_PIECE = re.compile(
    r'^```(?P<language>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<body>.*?)^```$'
    r"|^<!-- (?P<kind>keeps running until|by hand): (?P<what>.+?) -->$",
    re.M | re.S,
)


@dataclass(frozen=True)
class File:
    path: str
    text: str


@dataclass(frozen=True)
class Command:
    line: str
    printed: tuple[str, ...]


@dataclass(frozen=True)
class Running:
    """A command that goes on; ``until`` says how one sees that it is up."""

    line: str
    until: str


@dataclass(frozen=True)
class ByHand:
    name: str


Step = File | Command | Running | ByHand


def steps(text: str) -> Iterator[Step]:
    """The steps of a page, in its order."""
    pieces = list(_PIECE.finditer(text))
    for piece, after in zip(pieces, [*pieces[1:], None], strict=True):
        if piece["kind"] == "by hand":
            yield ByHand(piece["what"])
        elif piece["title"]:
            yield File(piece["title"], piece["body"])
        elif piece["language"] == "console":
            typed = list(commands(piece["body"]))
            goes_on = after is not None and after["kind"] == "keeps running until"
            yield from typed[:-1] if goes_on else typed
            if goes_on and after is not None:
                yield Running(typed[-1].line, after["what"])


def commands(block: str) -> Iterator[Command]:
    for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
        line, _, printed = part.partition("\n")
        yield Command(line, tuple(said for said in printed.splitlines() if said))


def differs(wanted: tuple[str, ...], printed: str) -> str:
    """Which wanted line is not there, or "". Lines must follow each other unless ``...`` stands between."""
    lines = [line.rstrip() for line in printed.splitlines() if line.strip()]
    at, loose = 0, False
    for line in wanted:
        if line == "...":
            loose = True
            continue
        found = next((i for i in range(at, len(lines)) if lines[i] == line.rstrip()), None)
        if found is None or (found != at and not loose):
            return line
        at, loose = found + 1, False
    return "" if loose or at == len(lines) or not wanted else f"nothing more, not {lines[at]!r}"


def free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def copy_source(folder: Path) -> Path:
    """The source as it lies here, changed files too, with an environment of its own that has the packages of ours."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    _make_environment(folder)
    return folder


def _make_environment(folder: Path) -> None:
    """``.venv`` in ``folder``: the packages of ours, Webstreet from ``folder``, and the same commands."""
    place = folder / ".venv"
    venv.create(place, symlinks=True, with_pip=False)
    packages = sysconfig.get_path("purelib", vars={"base": str(place)})
    Path(packages, "webstreet-copy.pth").write_text(f"{folder / 'src'}\n{sysconfig.get_path('purelib')}\n", "utf-8")
    for script in Path(sys.prefix, "bin").iterdir():
        first, _, rest = script.read_bytes().partition(b"\n")
        if first.startswith(b"#!") and b"python" in first and not (place / "bin" / script.name).exists():
            (place / "bin" / script.name).write_bytes(b"#!" + os.fsencode(place / "bin" / "python") + b"\n" + rest)
            (place / "bin" / script.name).chmod(0o755)


class Reader:
    """Somebody with a copy of the source, a terminal and a state folder of their own, all below ``home``.

    A context manager: at its end everything that they started is ended.
    """

    def __init__(self, home: Path, by_hand: Mapping[str, Callable[[], None]], instead: Mapping[str, str]) -> None:
        self.folder = copy_source(home / "webstreet")
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "WEBSTREET_STATE": str(home / "state"),
            "COLUMNS": "120",
        }
        self.by_hand = by_hand
        self.instead = instead
        self._exports: list[str] = []
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            self._run(".venv/bin/webstreet control halt --sites")
        finally:
            for process in reversed(self._running):
                _end(process)

    def follow(self, page: Path) -> int:
        """Every step of the page; returns how many there were."""
        todo = list(steps(page.read_text("utf-8")))
        for step in todo:
            match step:
                case File():
                    place = self.folder / step.path
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.write_text(self.here(step.text), "utf-8")
                case Command():
                    self._type(step)
                case Running():
                    self._start(step)
                case ByHand():
                    self.by_hand[step.name]()
        return len(todo)

    def here(self, text: str) -> str:
        """The page's words with this machine's free ports."""
        for shown, ours in self.instead.items():
            text = text.replace(shown, ours)
        return text

    def _shell(self, line: str) -> list[str]:
        return ["bash", "-c", "\n".join(self.here(typed) for typed in (*self._exports, line))]

    def _type(self, command: Command) -> None:
        if command.line.startswith(("export ", ". ")):
            self._exports.append(command.line)
            return
        printed = self.says(command.line)
        missing = differs(command.printed, printed)
        assert not missing, f"$ {command.line}\nshould print: {missing}\nprinted:\n{printed[-3000:]}"

    def says(self, line: str) -> str:
        """What a command prints; it must end with 0."""
        done = self._run(line)
        assert done.returncode == 0, f"$ {line}\n{done.stdout[-3000:]}"
        return done.stdout

    def _run(self, line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._shell(line), cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=COMMAND_TIMEOUT_S, check=False,
        )  # fmt: skip

    def _start(self, step: Running) -> None:
        log = (self.folder / "running.log").open("ab")
        process = subprocess.Popen(
            self._shell(f"exec {step.line}"), cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        log.close()
        self._running.append(process)
        deadline = time.monotonic() + STARTED_WITHIN_S
        while not self._is_up(step.until):
            said = (self.folder / "running.log").read_text("utf-8", "replace")[-3000:]
            assert process.poll() is None, f"$ {step.line}\nended:\n{said}"
            assert time.monotonic() < deadline, f"$ {step.line}\nis not up: {step.until}\n{said}"
            time.sleep(0.2)

    def _is_up(self, until: str) -> bool:
        if until.startswith("$ "):
            return self._run(until[2:]).returncode == 0
        try:
            return httpx.get(self.here(until), timeout=5, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """With all of its group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
