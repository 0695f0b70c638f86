"""A pytest plugin: gives each process of a parallel run its own Redis database, before Django reads its settings.

Without it two processes would take jobs off each other's queues.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

_worker, _url = os.environ.get("PYTEST_XDIST_WORKER", ""), os.environ.get("REDIS_URL", "")
if _worker and _url:
    os.environ["REDIS_URL"] = urlsplit(_url)._replace(path=f"/{int(_worker.removeprefix('gw')) + 1}").geturl()
