"""A site as a reader meets it: home page and article under load, cold start, memory; and the same with ten times the articles."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from benchmarks.report import RUNS, Row
from webstreet.contract.health import READY_PATH
from webstreet.contract.template import shipped_template

CONNECTIONS, SECONDS = 32, 2.0
SMALL, LARGE = 20, 200
READY_TIMEOUT_S = 60.0
# quality.md: cached pages reach this part of what the server can do at all.
LIMIT_SHARE = 0.6
COLD_START_S, MEMORY_MB = 3.0, 250.0


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="webstreet-bench-") as folder:
        small, large = (prepare(Path(folder) / str(n), n) for n in (SMALL, LARGE))
        rows = _start_and_memory(small)
        with serving(small) as base, serving(large) as large_base:
            article = base + _first_article(base)
            for name, url in (("home page", base + "/"), ("article", article)):
                rows.append(_beside_constant(f"{name}, {SMALL} articles, {CONNECTIONS} connections", url))
            small_rates, large_rates = _in_turn(base + "/", large_base + "/")
            growth = [a / b for a, b in zip(small_rates, large_rates, strict=True)]
            rows.append(
                Row(
                    f"home page with {LARGE} articles: time grows",
                    "times",
                    growth,
                    target=LARGE / SMALL,
                    higher_is_better=False,
                )
            )
    return rows


def prepare(folder: Path, articles: int) -> dict[str, str]:
    """A site with everything embedded and ``articles`` public articles; returns its environment."""
    folder.mkdir(parents=True)
    common = {"client": "acme", "site": "bench", "title": "Bench", "languages": ["en"], "domains": ["bench.example"]}
    (folder / "site.yaml").write_text(shipped_template("publication").site(**common).to_yaml(), "utf-8")
    (folder / "dump.sql").write_text(_dump(articles), "utf-8")
    environment = os.environ | {"SITE_MANIFEST": str(folder / "site.yaml"), "DATA_DIR": str(folder / "data")}
    _engine(environment, "prepare")
    _engine(environment, "import", "--from", "crispy-octo", str(folder / "dump.sql"))
    return environment


def _dump(articles: int) -> str:
    text = " ".join(["A paragraph of an article, as long as people write them."] * 12)
    rows = ",\n".join(
        f"({n},'Article {n}','{text}','public','2024-01-01 10:00:00','2024-01-01 10:00:00')"
        for n in range(1, articles + 1)
    )
    columns = "`id` bigint, `title` varchar(255), `body` text, `status` varchar(255), `created_at` datetime, `updated_at` datetime"
    subscribers = "`id` bigint, `email` varchar(255), `created_at` datetime, `updated_at` datetime"
    return (
        f"CREATE TABLE `articles` ({columns});\nINSERT INTO `articles` VALUES {rows};\n"
        f"CREATE TABLE `subscribers` ({subscribers});\n-- Dump completed\n"
    )


def _engine(environment: dict[str, str], *words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "webstreet.engine", *words], env=environment, capture_output=True, text=True, timeout=300
    )
    if done.returncode:
        raise SystemExit(f"engine {words[0]} failed: {done.stdout[-1000:]} {done.stderr[-1000:]}")


@contextlib.contextmanager
def process(words: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    started = subprocess.Popen(
        [sys.executable, "-m", *words],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield started
    finally:
        started.send_signal(signal.SIGTERM)
        try:
            started.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, signal.SIGKILL)
            started.wait()


@contextlib.contextmanager
def serving(environment: dict[str, str]) -> Iterator[str]:
    """The site, served; yields its base URL once it is ready."""
    base = f"http://127.0.0.1:{_free_port()}"
    port = base.rsplit(":", 1)[1]
    words = ["webstreet.engine", "serve", "--host", "127.0.0.1", "--port", port]
    with process(words, environment | {"BASE_URL": base}):
        _wait(base + READY_PATH)
        yield base


def _start_and_memory(environment: dict[str, str]) -> list[Row]:
    starts, memory = [], []
    for _ in range(RUNS):
        begun = time.perf_counter()
        with contextlib.ExitStack() as stack:
            base = f"http://127.0.0.1:{_free_port()}"
            words = ["webstreet.engine", "serve", "--host", "127.0.0.1", "--port", base.rsplit(":", 1)[1]]
            web = stack.enter_context(process(words, environment | {"BASE_URL": base}))
            _wait(base + "/")
            starts.append(time.perf_counter() - begun)
            worker = stack.enter_context(process(["webstreet.engine", "work"], environment | {"BASE_URL": base}))
            time.sleep(4)  # the worker has no address to ask; its memory is flat by then
            memory.append(sum(_pss_mb(p.pid) for p in (web, worker)))
    return [
        Row("cold start of web to the first 200", "s", starts, target=COLD_START_S, higher_is_better=False),
        Row("memory of web and worker, idle (PSS)", "MB", memory, target=MEMORY_MB, higher_is_better=False),
    ]


def _beside_constant(name: str, url: str) -> Row:
    size = len(httpx.get(url).content)
    port = _free_port()
    with process(["benchmarks.constant", str(port), str(size)], dict(os.environ)):
        limit = f"http://127.0.0.1:{port}/"
        _wait(limit)
        ours, constant = _in_turn(url, limit)
    return Row(name, "requests/s", ours, f"constant body of {size} bytes", constant, target=LIMIT_SHARE)


def _in_turn(one: str, other: str) -> tuple[list[float], list[float]]:
    """Rates of both, measured by turns so that a slower moment of the machine meets both."""
    for url in (one, other):
        _load(url, 0.5)
    pairs = [(_load(one, SECONDS), _load(other, SECONDS)) for _ in range(RUNS)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def _load(url: str, seconds: float) -> float:
    command = [sys.executable, "-m", "benchmarks.load", url, str(CONNECTIONS), str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60)
    found = json.loads(done.stdout)
    if found["errors"]:
        raise SystemExit(f"{url}: {found['errors']} of {found['requests']} requests failed: nothing was measured")
    return found["requests"] / found["seconds"]


def _first_article(base: str) -> str:
    """Path of an article that the home page links to."""
    for path in re.findall(r'href="(?:' + re.escape(base) + r')?(/[^"]*article[^"]*)"', httpx.get(base + "/").text):
        if re.search(r"article-\d+", path):
            return path
    raise SystemExit("the home page links to no article")


def _wait(url: str) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url, timeout=5).status_code == httpx.codes.OK:
                return
        time.sleep(0.02)
    raise SystemExit(f"{url} did not answer within {READY_TIMEOUT_S:.0f} s")


def _pss_mb(pid: int) -> float:
    """Proportional memory of a process and its children."""
    total = 0.0
    for child in (pid, *_children(pid)):
        with contextlib.suppress(OSError):
            found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{child}/smaps_rollup").read_text(), re.M)
            total += int(found[1]) / 1024 if found else 0
    return total


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *_children(child)]
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
