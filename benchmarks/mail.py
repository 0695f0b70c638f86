"""Delivery: messages a second with the exact ledger, on each database, beside ``smtp-source`` and the naive way, to ``smtp-sink``.

    python -m benchmarks.mail [PART ...] [DATABASE ...]        parts: rates, ed25519, rsa, million, shares; without any, all

Real workers in real processes; durable commits; messages of 10 kB that differ by recipient. Everything is bounded: `RECIPIENTS` an issue,
a million once.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import ground
from benchmarks.mailing import DATABASES, SIZE_BYTES, Mailer, processor_s, signing_alone, site
from benchmarks.report import Row, publish
from tests import lab
from tests.lab import smtp_sink
from tests.lab.smtp_sink import Sink

RECIPIENTS = int(os.environ.get("RECIPIENTS", "120000"))
RUNS = int(os.environ.get("RUNS", "3"))
MILLION = int(os.environ.get("MILLION", "1000000"))
WORKERS = tuple(map(int, os.environ.get("WORKERS", "1,2,4").split(",")))
NAIVE = 300
ISSUES = 10
ED25519_SPEED, RSA_SPEED = 1.0, 0.85
SPEED, MEMORY_MB, START_S, FIRST_S, SHARE = 1.2, 100.0, 20.0, 2.0, 0.5


def _source(sink: Sink) -> float:
    return sink.source(max(20_000, RECIPIENTS // 2), size_bytes=SIZE_BYTES)


def rates(mailer: Mailer, sink: Sink) -> list[Row]:
    """One issue at a time, its audience written before, with one, two and four workers; then the naive way."""
    rows = _rates(mailer, "without DKIM", lambda: _source(sink), "smtp-source", SPEED)
    naive = float(mailer.code(f"from benchmarks import naive; print(naive.rate({NAIVE}))").splitlines()[-1])
    beside = "one worker, as above"
    return [*rows, Row(f"{mailer.name}: a task and a connection for each", "messages/s", [naive], beside, rows[0].runs)]


def ed25519(mailer: Mailer, sink: Sink) -> list[Row]:
    """The same with every mail signed."""
    mailer.sign("ed25519-sha256")
    return _rates(mailer, "Ed25519", lambda: _source(sink), "smtp-source", ED25519_SPEED)


def rsa(mailer: Mailer, sink: Sink) -> list[Row]:
    """The same; signing is most of the work, so beside it stands what signing alone allows, and besides, as the same cores send and
    receive, a message that is signed and then sent by ``smtp-source``. One worker has one core.
    """
    mailer.sign("rsa-sha256")
    alone: list[float] = []

    def signed_and_sent() -> float:
        alone.append(signing_alone("rsa-sha256"))
        return 1 / (1 / alone[-1] + 1 / _source(sink))

    rows = _rates(mailer, "RSA-2048", signed_and_sent, "signing, then smtp-source, on all cores", None)
    beside = "signing alone, on all cores"
    first = [
        Row(row.name, row.unit, row.runs, beside, alone[place * RUNS : (place + 1) * RUNS], target=RSA_SPEED)
        for place, row in enumerate(rows[::2])
    ]
    return first + rows


def _rates(mailer: Mailer, how: str, limit_of: Callable[[], float], beside: str, target: float | None) -> list[Row]:
    rows = []
    mailer.grow(max(mailer.audience, RECIPIENTS))
    for count in WORKERS:
        ours, limit, used = [], [], []
        with mailer.workers(count) as workers:
            for _ in range(RUNS):
                limit.append(limit_of())
                with mailer.issues() as started:
                    before = processor_s(workers)
                    started.go()
                    ours.append(mailer.audience / started.wait())
                    used.append((processor_s(workers) - before) * 1e6 / mailer.audience)
                    started.check(mailer.audience)
                    started.forget()
        name = f"{mailer.name}: {count} worker{'s' if count > 1 else ''}, {how}"
        rows.append(Row(name, "messages/s", ours, beside, limit, target=target))
        rows.append(Row(f"{name}: processor time of the workers", "us a message", used))
    mailer.sign("")
    return rows


@dataclass
class Large:
    """What one issue for a large audience showed: seconds since it was begun, megabytes of the worker (PSS)."""

    all_s: float = 0.0
    first_s: float = 0.0
    frozen_s: float = 0.0
    memory_mb: float = 0.0


def million(mailer: Mailer, sink: Sink) -> list[Row]:
    """The start of an issue for a million, its memory, and how the time grows."""
    small = max(1, MILLION // 10)
    few, many = _large(mailer, small), _large(mailer, MILLION)
    return [
        _most(f"{mailer.name}: first mail of {MILLION:,} recorded after", "s", many.first_s, FIRST_S),
        _most(f"{mailer.name}: audience of {MILLION:,} written after", "s", many.frozen_s, START_S),
        Row(f"{mailer.name}: {MILLION:,} by one worker, start included", "messages/s", [MILLION / many.all_s]),
        _most(f"{mailer.name}: {MILLION:,} instead of {small:,}: time grows", "times", many.all_s / few.all_s, 10),
        _most(f"{mailer.name}: memory of the worker at {MILLION:,} (PSS)", "MB", many.memory_mb, MEMORY_MB),
        Row(
            f"{mailer.name}: memory beside that at {small:,}",
            "MB",
            [many.memory_mb],
            "at a tenth",
            [few.memory_mb],
            target=1.1,
            higher_is_better=False,
        ),
    ]


def _large(mailer: Mailer, audience: int) -> Large:
    mailer.grow(audience)
    found = Large()
    with mailer.workers(1) as (worker,), mailer.issues(frozen=False) as started:

        def look() -> None:
            now = time.perf_counter() - started.began
            if not found.first_s and sum(started.sent().values()):
                found.first_s = now
            if not found.frozen_s and started.is_frozen():
                found.frozen_s = now
            found.memory_mb = max(found.memory_mb, ground.pss_mb(worker.pid))

        started.go()
        found.all_s = started.wait(look, pause_s=0.2)
        started.check(audience)
        started.forget()
    print(f"{mailer.name}: {audience:,} in {found.all_s:.1f} s", file=sys.stderr, flush=True)
    return found


def _most(name: str, unit: str, value: float, target: float) -> Row:
    return Row(name, unit, [value], target=target, higher_is_better=False)


def shares(mailer: Mailer, sink: Sink) -> list[Row]:
    """Ten issues at once: how many mails of the one that got least went out for one of the one that got most, half way."""
    mailer.grow(max(mailer.audience, RECIPIENTS))
    found: list[float] = []
    with mailer.workers(2), mailer.issues(ISSUES) as started:

        def look() -> None:
            sent = list(started.sent().values())
            if not found and sum(sent) > mailer.audience * ISSUES / 2:
                found.append(min(sent) / max(sent))

        started.go()
        took = started.wait(look, pause_s=0.1)
        started.check(mailer.audience * ISSUES)
        started.forget()
    if not found:
        raise SystemExit("All issues ended between two looks: take a larger RECIPIENTS.")
    return [
        Row(f"{mailer.name}: {ISSUES} issues at once, least beside most", "share", found, target=SHARE),
        Row(f"{mailer.name}: {ISSUES} issues at once, two workers", "messages/s", [mailer.audience * ISSUES / took]),
    ]


PARTS = {"rates": rates, "ed25519": ed25519, "rsa": rsa, "million": million, "shares": shares}


def main(words: list[str]) -> int:
    unknown = [word for word in words if word not in PARTS and word not in DATABASES]
    if unknown:
        print(
            f"Neither a part nor a database: {', '.join(unknown)}. There are: {', '.join((*PARTS, *DATABASES))}",
            file=sys.stderr,
        )
        return 2
    # Whoever ends us by a time-out wants our servers and workers to end too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    parts = [name for name in PARTS if name in words] or list(PARTS)
    rows: list[Row] = []
    try:
        smtp_sink.where()
    except lab.base.Missing as error:
        print(f"not measured: {error}", file=sys.stderr)
        return 1
    try:
        for name in [name for name in DATABASES if name in words] or list(DATABASES):
            print(f"measuring: {name}", file=sys.stderr, flush=True)
            _measure(name, parts, rows)
    finally:
        publish(rows, os.environ.get("OUT", ""))
    return 0


def _measure(name: str, parts: list[str], rows: list[Row]) -> None:
    try:
        with (
            tempfile.TemporaryDirectory(prefix="webstreet-bench-") as folder,
            smtp_sink.running() as sink,
            site(name, Path(folder) / "site", sink) as mailer,
        ):
            for part in parts:
                rows += PARTS[part](mailer, sink)
    except lab.base.Missing as error:
        print(f"not measured: {error}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
