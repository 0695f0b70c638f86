"""A pytest plugin: gives each process of a parallel run what it must have for itself, before Django reads its settings.

Its own Redis database, or two processes would take jobs off each other's queues; its own folder of the control plane, or one would
empty the other's spool and rotate its keys.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit


def _apart(worker: str) -> None:
    if url := os.environ.get("REDIS_URL"):
        os.environ["REDIS_URL"] = urlsplit(url)._replace(path=f"/{int(worker.removeprefix('gw')) + 1}").geturl()
    if state := os.environ.get("WEBSTREET_STATE"):
        own = Path(state) / worker
        own.mkdir(mode=0o700, exist_ok=True)
        os.environ["WEBSTREET_STATE"] = str(own)


if _worker := os.environ.get("PYTEST_XDIST_WORKER", ""):
    _apart(_worker)
