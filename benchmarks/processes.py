"""How quickly a site starts, and the memory of its two processes: idle, and after many readers."""

from __future__ import annotations

import contextlib
import tempfile
import time
from pathlib import Path

from benchmarks import ground
from benchmarks.report import RUNS, Row

COLD_START_S, MEMORY_MB = 3.0, 250.0


def measure() -> list[Row]:
    starts, webs, workers, loaded_webs, loaded_workers = [], [], [], [], []
    with tempfile.TemporaryDirectory(prefix="webstreet-bench-") as folder:
        environment = ground.prepare(Path(folder) / "site", 20)
        for _ in range(RUNS):
            with contextlib.ExitStack() as stack:
                begun = time.perf_counter()
                site = f"http://127.0.0.1:{ground.free_port()}"
                words = ["webstreet.engine", "serve", "--host", "127.0.0.1", "--port", site.rsplit(":", 1)[1]]
                web = stack.enter_context(ground.process(words, environment | {"BASE_URL": site}))
                ground.wait(site + "/")
                starts.append(time.perf_counter() - begun)
                worker = stack.enter_context(
                    ground.process(["webstreet.engine", "work"], environment | {"BASE_URL": site})
                )
                # It has no address to ask.
                ground.settle(worker.pid)
                webs.append(ground.pss_mb(web.pid))
                workers.append(ground.pss_mb(worker.pid))
                url = ground.first_article(site)
                ground.load(url), ground.load(ground.uncached(url))
                loaded_webs.append(ground.pss_mb(web.pid))
                loaded_workers.append(ground.pss_mb(worker.pid))
    both = [a + b for a, b in zip(webs, workers, strict=True)]
    return [
        Row("cold start of web to the first 200", "s", starts, target=COLD_START_S, higher_is_better=False),
        Row("memory of web, idle (PSS)", "MB", webs),
        Row("memory of the worker, idle (PSS)", "MB", workers),
        Row("memory of web and worker, idle (PSS)", "MB", both, target=MEMORY_MB, higher_is_better=False),
        Row("memory of web after load (PSS)", "MB", loaded_webs),
        Row("memory of the worker meanwhile (PSS)", "MB", loaded_workers),
    ]
