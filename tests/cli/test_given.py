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
OWN = "canary-events-of-this-site"
STRANGER = {"X-Forwarded-For": "203.0.113.9"}


@pytest.mark.requirement("P6")
def test_a_hosted_site_keeps_its_pages_in_the_redis_of_the_installation(tmp_path: Path, lab_redis: Redis) -> None:
    given = {"WEBSTREET_SITE_REDIS_URL": lab_redis.url, "WEBSTREET_SITE_METRICS_TOKEN": TOKEN}
    for name, value in given.items():
        (tmp_path / name).write_text(f"{value}\n")
    with running(tmp_path / "state", **{f"{name}_FILE": str(tmp_path / name) for name in given}) as control:
        run(control.state, "client", "add", "given")
        (tmp_path / "events").write_text(f"{OWN}\n")
        (tmp_path / "short").write_text("canary-short\n")
        refused = run(control.state, "site", "open", SITE, "--setting-file", f"EVENTS_SECRET={tmp_path / 'short'}")
        assert refused.code != 0
        assert "--setting-file EVENTS_SECRET=FILE" in refused.err
        assert "canary" not in refused.err
        opened = run(control.state, "site", "open", SITE, "--setting-file", f"EVENTS_SECRET={tmp_path / 'events'}")
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

        told = httpx.post(f"{site}/api/newsletter/events", content=b"{}", trust_env=False)
        assert told.status_code == 403, "there only for a site that was given EVENTS_SECRET"

        folder = control.state / "processes" / "sites" / SITE
        assert "canary" not in (folder / "wanted.json").read_text()
        for name, value in (("METRICS_TOKEN", TOKEN), ("EVENTS_SECRET", OWN)):
            file = folder / "generations" / str(seen["wanted_generation"]) / "secrets" / name
            assert (file.read_text(), file.stat().st_mode & 0o777) == (value, 0o600)
