"""What the benchmarks of a site share: a site with content, its processes, load on an address, memory."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.report import RUNS
from webstreet.contract.health import READY_PATH
from webstreet.contract.template import shipped_template
from webstreet.testing.sources import write_dump

CONNECTIONS, SECONDS, LONG_S = 32, 2.0, 20.0
WARM_UPS = 10
IDLE_CPU_S = 0.1
"""In two seconds."""
READY_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Load:
    """What one load measured: requests/s, and the milliseconds within which half and 99 of 100 were answered."""

    rate: float
    p50_ms: float
    p99_ms: float


def prepare(folder: Path, articles: int, **variables: str) -> dict[str, str]:
    """A site with ``articles`` public articles, everything embedded unless ``variables`` say otherwise; returns its environment."""
    environment = empty(folder, **variables)
    write_dump(folder / "dump.sql", articles=articles)
    engine(environment, "import", "--from", "crispy-octo", str(folder / "dump.sql"))
    return environment


def empty(folder: Path, **variables: str) -> dict[str, str]:
    """A site without content; returns its environment."""
    folder.mkdir(parents=True)
    common = {"client": "acme", "site": "bench", "title": "Bench", "languages": ["en"], "domains": ["bench.example"]}
    (folder / "site.yaml").write_text(shipped_template("publication").site(**common).to_yaml(), "utf-8")
    environment = (
        os.environ | {"SITE_MANIFEST": str(folder / "site.yaml"), "DATA_DIR": str(folder / "data")} | variables
    )
    engine(environment, "prepare")
    return environment


def engine(environment: dict[str, str], *words: str) -> float:
    """Run a command of the engine to its end; the seconds that it took."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "webstreet.engine", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise SystemExit(f"engine {words[0]} failed: {done.stdout[-1000:]} {done.stderr[-1000:]}")
    return time.perf_counter() - began


@contextlib.contextmanager
def process(
    words: list[str], environment: dict[str, str], *, fds: tuple[int, ...] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    started = subprocess.Popen(
        [sys.executable, "-m", *words],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=fds,
    )
    try:
        yield started
    finally:
        end(started)


def end(started: subprocess.Popen[bytes]) -> None:
    """SIGTERM, and SIGKILL to whoever does not listen."""
    if started.poll() is not None:
        return
    started.send_signal(signal.SIGTERM)
    try:
        started.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(started.pid, signal.SIGKILL)
        started.wait()


@contextlib.contextmanager
def serving(environment: dict[str, str]) -> Iterator[str]:
    """The site, served; yields its base URL once it is ready."""
    base = f"http://127.0.0.1:{free_port()}"
    words = ["webstreet.engine", "serve", "--host", "127.0.0.1", "--port", base.rsplit(":", 1)[1]]
    with process(words, environment | {"BASE_URL": base}):
        wait(base + READY_PATH)
        yield base


def uncached(url: str) -> str:
    """The same page by an address that the page cache does not know."""
    return f"{url}?uncached=1"


def in_turn(one: str, other: str) -> tuple[list[Load], list[Load]]:
    """Loads on both, measured by turns so that a slower moment of the machine meets both."""
    for url in (one, other):
        warm(url)
    pairs = [(load(one), load(other)) for _ in range(RUNS)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def warm(url: str) -> None:
    """What is only loaded or kept with the first requests is not measured."""
    for _ in range(WARM_UPS):
        httpx.get(url, timeout=60).raise_for_status()


def load(url: str, seconds: float = SECONDS) -> Load:
    """Raises SystemExit when an answer was an error, or when there was none even in a long time."""
    command = [sys.executable, "-m", "benchmarks.load", url, str(CONNECTIONS), str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60)
    found = json.loads(done.stdout)
    if not found["requests"] and seconds < LONG_S:
        return load(url, LONG_S)
    if found["errors"] or not found["requests"]:
        raise SystemExit(f"{url}: {found['errors']} of {found['requests']} requests failed: nothing was measured")
    # Whatever is still asked for is answered before the next measurement begins.
    httpx.get(url, timeout=60)
    return Load(found["requests"] / found["seconds"], found["p50_ms"], found["p99_ms"])


def first_article(base: str) -> str:
    """Address of an article that the home page links to."""
    for path in re.findall(r'href="(?:' + re.escape(base) + r')?(/[^"]*article[^"]*)"', httpx.get(base + "/").text):
        if re.search(r"article-\d+", path):
            return str(base + path)
    raise SystemExit("the home page links to no article")


def wait(url: str) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url, timeout=5).status_code == httpx.codes.OK:
                return
        time.sleep(0.02)
    raise SystemExit(f"{url} did not answer within {READY_TIMEOUT_S:.0f} s")


def pss_mb(pid: int) -> float:
    """Proportional memory of a process and its children."""
    total = 0.0
    for child in (pid, *_children(pid)):
        with contextlib.suppress(OSError):
            found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{child}/smaps_rollup").read_text(), re.M)
            total += int(found[1]) / 1024 if found else 0
    return total


def settle(pid: int) -> None:
    """Return when the process has hardly anything more to do: its start is over."""
    deadline, before = time.monotonic() + READY_TIMEOUT_S, -1.0
    while time.monotonic() < deadline and (now := _cpu_s(pid)) - before > IDLE_CPU_S:
        before = now
        time.sleep(2.0)


def _cpu_s(pid: int) -> float:
    """Processor time so far: fields 14 and 15 of /proc/PID/stat (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *_children(child)]
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
