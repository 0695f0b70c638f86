"""A site on real servers: PostgreSQL shared by all aliases, with its backup; and Redis going away and coming back."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
from functools import partial
from pathlib import Path

import psycopg
import pytest

from tests.conftest import needed
from tests.lab import base, redis

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "crispy-octo.sql"
KEY = "only-for-tests-" * 5


@pytest.mark.requirement("P5")
def test_everything_in_one_postgresql_database(site_processes, lab_postgres, tmp_path):
    for tool in ("pg_dump", "pg_restore"):
        needed(partial(base.find, tool, package="postgresql-client"))
    name = f"webstreet_one_{os.getpid()}"
    url = lab_postgres.database(name)
    try:
        site = site_processes(DATABASE_URL=url, SECRET_KEY=KEY)
        site.documents("prepare")
        assert {d["step"] for d in site.documents("prepare")} == {"ready"}
        report = site.documents("import", "--from", "crispy-octo", str(EXAMPLE))[-1]
        assert (report["created"]["articles"], report["created"]["subscribers"]) == (12, 38)
        with psycopg.connect(url) as connection:
            tables = {row[0] for row in connection.execute("SELECT tablename FROM pg_tables")}
            assert {"newsletter_subscriber", "wagtailcore_page"} <= tables
            done = connection.execute("SELECT count(*) FROM django_migrations WHERE app = 'newsletter'").fetchone()
            assert done[0] >= 1
        folder = tmp_path / "backup"
        site.documents("backup", str(folder))
        said = json.loads((folder / "backup.json").read_text())
        assert set(said["databases"]) == {"default", "newsletter"}
        files = set(said["databases"].values())
        assert len(files) == 1
        listing = subprocess.run(
            ["pg_restore", "--list", folder / files.pop()], capture_output=True, text=True, check=True
        ).stdout
        assert "TABLE DATA public newsletter_subscriber" in listing
    finally:
        lab_postgres.drop(name)


def test_redis_may_go_away_and_come_back(site_processes, wait_until, tmp_path):
    binary = needed(redis.where)
    with socket.create_server(("127.0.0.1", 0)) as a, socket.create_server(("127.0.0.1", 0)) as b:
        redis_port, port = a.getsockname()[1], b.getsockname()[1]

    def start() -> subprocess.Popen[bytes]:
        command = [binary, "--port", str(redis_port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def ask(path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    first = start()
    second = None
    try:
        site = site_processes(
            REDIS_URL=f"redis://127.0.0.1:{redis_port}/0", SECRET_KEY=KEY, BASE_URL=f"http://127.0.0.1:{port}"
        )
        site.documents("prepare")
        site.start("serve", "--port", str(port))
        worker = site.start("work")
        wait_until(lambda: ask("/-/ready") == 200 and "worker.started" in site.log(), what="web and worker")
        first.terminate()
        first.wait(10)
        assert ask("/") == 200
        assert ask("/-/ready") == 200
        site.python(
            "import probe_tasks as p\nfrom webstreet.engine.tasks import enqueue_on_commit\nenqueue_on_commit(p.soon, 'lost')"
        )
        assert "task.enqueue_failed" in site.log() or worker.poll() is None
        second = start()
        site.python("import probe_tasks as p\np.soon.enqueue('found')")
        wait_until(lambda: site.probe() == ["found"], what="the worker finds Redis again")
    finally:
        for process in (first, second):
            if process is not None and process.poll() is None:
                process.terminate()
                process.wait(10)
