"""Home page and article as many readers meet them: from the page cache and made for each request, on every database there is, and with ten
times the content. Cached pages are compared with a constant body of the same size from the same server."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx

from benchmarks import ground
from benchmarks.ground import Load
from benchmarks.report import RUNS, Row
from tests.lab import base as lab
from tests.lab import mariadb, postgres

SMALL, LARGE = 20, 200
LIMIT_SHARE = 0.6
"""quality.md: the part of what the server can do at all that cached pages reach."""
UNCACHED_RATE = 237.0
"""Three times Ghost's article pages a second with SQLite, on a machine of this kind (2 cores, client and server sharing them)."""
CRISPY_OCTO_RATE = 5910.0
"""Ten times those of crispy-octo there."""
SERVERS = {"PostgreSQL": postgres, "MariaDB": mariadb}
KEY = "only-for-benchmarks-" * 4


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="webstreet-bench-") as folder:
        small = ground.prepare(Path(folder) / "small", SMALL)
        rows = _embedded(small)
        rows += _grown(small, ground.prepare(Path(folder) / "large", LARGE))
        for name in SERVERS:
            rows += _on(name, Path(folder))
        return rows


def _embedded(environment: dict[str, str]) -> list[Row]:
    rows = []
    with ground.serving(environment) as site:
        for name, url in (("home page", site + "/"), ("article", ground.first_article(site))):
            rows += _cached(f"{name}, cached", url)
            rows += _uncached(f"{name}, made for each request, SQLite", url)
    return rows


def _cached(name: str, url: str) -> list[Row]:
    size, port = len(httpx.get(url, headers={"Accept-Encoding": "identity"}).content), ground.free_port()
    with ground.process(["benchmarks.constant", str(port), str(size)], dict(os.environ)):
        limit = f"http://127.0.0.1:{port}/"
        ground.wait(limit)
        ours, constant = ground.in_turn(url, limit)
    beside = f"constant body of {size} bytes"
    rates = Row(name, "requests/s", [r.rate for r in ours], beside, [r.rate for r in constant], target=LIMIT_SHARE)
    peer = Row(f"{name}: beside ten times crispy-octo", "requests/s", [r.rate for r in ours], target=CRISPY_OCTO_RATE)
    return [rates, peer, *_times(name, ours)]


def _uncached(name: str, url: str) -> list[Row]:
    ground.warm(ground.uncached(url))
    found = [ground.load(ground.uncached(url)) for _ in range(RUNS)]
    return [Row(name, "requests/s", [r.rate for r in found], target=UNCACHED_RATE), *_times(name, found)]


def _times(name: str, found: list[Load]) -> list[Row]:
    return [
        Row(f"{name}: half answered within", "ms", [r.p50_ms for r in found]),
        Row(f"{name}: 99 % answered within", "ms", [r.p99_ms for r in found]),
    ]


def _grown(small: dict[str, str], large: dict[str, str]) -> list[Row]:
    rows = []
    with ground.serving(small) as one, ground.serving(large) as other:
        for page, pair in (
            ("home page", (one + "/", other + "/")),
            ("article", (ground.first_article(one), ground.first_article(other))),
        ):
            few, many = ground.in_turn(*map(ground.uncached, pair))
            growth = [a.rate / b.rate for a, b in zip(few, many, strict=True)]
            name = f"{page} with {LARGE} articles instead of {SMALL}, made for each request: time grows"
            rows.append(Row(name, "times", growth, target=LARGE / SMALL, higher_is_better=False))
    return rows


def _on(name: str, folder: Path) -> list[Row]:
    with contextlib.ExitStack() as stack:
        try:
            variables = stack.enter_context(_stores(name))
        except lab.Missing as error:
            print(f"not measured: {error}")
            return []
        environment = ground.prepare(folder / name, SMALL, **variables)
        site = stack.enter_context(ground.serving(environment))
        rows = []
        for page, url in (("home page", site + "/"), ("article", ground.first_article(site))):
            ground.warm(url)
            found = [ground.load(url) for _ in range(RUNS)]
            cached = f"{page}, cached, {name}"
            rows += [Row(cached, "requests/s", [r.rate for r in found]), *_times(cached, found)]
            rows += _uncached(f"{page}, made for each request, {name}", url)
        return rows


@contextlib.contextmanager
def _stores(name: str) -> Iterator[dict[str, str]]:
    """The environment of a site on this server, its newsletter in a database of its own."""
    with SERVERS[name].running() as server:
        names = [f"webstreet_bench_{part}_{os.getpid()}" for part in ("site", "newsletter")]
        site, newsletter = (server.database(database) for database in names)
        yield {"DATABASE_URL": site, "NEWSLETTER_DATABASE_URL": newsletter, "SECRET_KEY": KEY}
