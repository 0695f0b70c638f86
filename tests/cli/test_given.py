"""What an installation gives to all its sites reaches a hosted one, as a file that only it can read."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import run, running
from tests.lab.redis import Redis

SITE = "given/blog"
TOKEN = "canary-token-of-all-sites"
STRANGER = {"X-Forwarded-For": "203.0.113.9"}


@pytest.mark.requirement("P6")
def test_a_hosted_site_keeps_its_pages_in_the_redis_of_the_installation(tmp_path: Path, lab_redis: Redis) -> None:
    given = {"WEBSTREET_SITE_REDIS_URL": lab_redis.url, "WEBSTREET_SITE_METRICS_TOKEN": TOKEN}
    for name, value in given.items():
        (tmp_path / name).write_text(f"{value}\n")
    with running(tmp_path / "state", **{f"{name}_FILE": str(tmp_path / name) for name in given}) as control:
        run(control.state, "client", "add", "given")
        opened = run(control.state, "site", "open", SITE)
        assert opened.code == 0, opened.err
        seen = run(control.state, "site", "status", SITE, "--json").json
        site = str(seen["address"])

        wanted, kept = (b"given/blog:1:page:", b"rq:worker"), b""
        deadline = time.monotonic() + 30
        while not all(key in kept for key in wanted):
            assert time.monotonic() < deadline, [key for key in wanted if key not in kept]
            assert httpx.get(f"{site}/", trust_env=False, timeout=30).status_code == 200
            kept = lab_redis.dump()

        shown = STRANGER | {"Authorization": f"Bearer {TOKEN}"}
        codes = [httpx.get(f"{site}/-/metrics", headers=h, trust_env=False).status_code for h in (STRANGER, shown)]
        assert codes == [404, 200]

        folder = control.state / "processes" / "sites" / SITE
        assert TOKEN not in (folder / "wanted.json").read_text()
        file = folder / "generations" / str(seen["wanted_generation"]) / "secrets" / "METRICS_TOKEN"
        assert (file.read_text(), file.stat().st_mode & 0o777) == (TOKEN, 0o600)
