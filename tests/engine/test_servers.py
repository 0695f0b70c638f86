"""A site on real servers: one database shared by all aliases, its backup and the way back; and Redis going away and coming back."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pymysql
import pytest

from tests.conftest import needed
from tests.lab import base, prototypes, redis

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "crispy-octo.sql"
KEY = "only-for-tests-" * 5


@dataclass(frozen=True)
class Kind:
    """A kind of database server: how to look into it, and what a backup of it is and how it goes back."""

    fixture: str
    tools: tuple[str, ...]
    package: str
    dump: str
    tables: str
    connect: Callable[[str], Any]
    restore: Callable[[Path, str], None]


def connect_mysql(url: str) -> Any:
    parts = urlsplit(url)
    return pymysql.connect(
        host=parts.hostname,
        port=parts.port,
        user=parts.username,
        password=parts.password or "",
        database=parts.path[1:],
    )


def restore_postgresql(dump: Path, url: str) -> None:
    subprocess.run(["pg_restore", "--no-owner", f"--dbname={url}", dump], capture_output=True, check=True, timeout=120)


def restore_mysql(dump: Path, url: str) -> None:
    parts = urlsplit(url)
    command = [f"--host={parts.hostname}", f"--port={parts.port}", f"--user={parts.username}", parts.path[1:]]
    subprocess.run(
        ["mariadb", "--no-defaults", *command], input=gzip.decompress(dump.read_bytes()), check=True, timeout=120
    )


KINDS = {
    "postgresql": Kind(
        "lab_postgres",
        ("pg_dump", "pg_restore"),
        "postgresql-client",
        "default.pgdump",
        "SELECT tablename FROM pg_tables",
        psycopg.connect,
        restore_postgresql,
    ),
    "mariadb": Kind(
        "lab_mariadb",
        ("mariadb-dump", "mariadb"),
        "mariadb-client",
        "default.sql.gz",
        "SHOW TABLES",
        connect_mysql,
        restore_mysql,
    ),
}


def asked(connection: Any, question: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(question)
        return list(cursor.fetchall())


def rows(connection: Any, tables: Iterable[str]) -> dict[str, int]:
    return {name: asked(connection, f"SELECT count(*) FROM {name}")[0][0] for name in sorted(tables)}  # noqa: S608


@pytest.mark.timeout(600)
@pytest.mark.requirement("P5")
@pytest.mark.parametrize("name", KINDS)
def test_a_site_in_one_database_goes_through_a_backup_and_back(name, site_processes, request, tmp_path):
    kind = KINDS[name]
    for tool in kind.tools:
        needed(partial(base.find, tool, package=kind.package))
    server = request.getfixturevalue(kind.fixture)
    first, second = f"webstreet_one_{os.getpid()}", f"webstreet_two_{os.getpid()}"
    try:
        url, empty = server.database(first), server.database(second)
        site = site_processes(DATABASE_URL=url, SECRET_KEY=KEY)
        site.documents("prepare")
        assert {d["step"] for d in site.documents("prepare")} == {"ready"}
        report = site.documents("import", "--from", "crispy-octo", str(EXAMPLE))[-1]
        assert (report["created"]["articles"], report["created"]["subscribers"]) == (12, 38)
        assert site.python(FACTS) == f"{name} {name}"
        with contextlib.closing(kind.connect(url)) as connection:
            tables = {row[0] for row in asked(connection, kind.tables)}
            assert {"newsletter_subscriber", "wagtailcore_page"} <= tables
            done = asked(connection, "SELECT count(*) FROM django_migrations WHERE app = 'newsletter'")
            assert done[0][0] >= 1
            before = rows(connection, (t for t in tables if t.startswith(("newsletter", "wagtail", "articles"))))
        folder = tmp_path / "backup"
        site.documents("backup", str(folder))
        said = json.loads((folder / "backup.json").read_text())
        assert said["databases"] == {"default": kind.dump, "newsletter": kind.dump}
        assert (folder / kind.dump).stat().st_mode & 0o077 == 0
        assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]

        kind.restore(folder / kind.dump, empty)
        with contextlib.closing(kind.connect(empty)) as connection:
            assert rows(connection, before) == before
        again = site_processes(DATABASE_URL=empty, SECRET_KEY=KEY)
        assert "migrate default" not in {d["step"] for d in again.documents("prepare")}
        assert again.python(ADDRESSES) == site.python(ADDRESSES)
    finally:
        server.drop(first)
        server.drop(second)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", KINDS)
def test_a_site_made_of_copies_is_exactly_one_that_migrated(name, site_processes, databases_on):
    """The tests of other things may start from copies."""
    dumps, steps = [], []
    for empty in (True, False):
        variables = databases_on(name, empty=empty)
        steps.append({document["step"] for document in site_processes(**variables).documents("prepare")})
        dumps.append([dumped(variables[name], part) for name in prototypes.URLS.values() for part in PARTS])
    assert steps[0] - steps[1] == {"migrate default", "migrate newsletter", "content types"}
    assert steps[1] == {"starter content", "ready"}
    for migrated, made_of_copies in zip(*dumps, strict=True):
        assert migrated == made_of_copies
    tables, rows, newsletter, _ = dumps[1]
    assert any("wagtailcore_page" in line for line in tables)
    assert any("newsletter_subscriber" in line for line in newsletter)
    assert len(rows) > 300


def dumped(url: str, part: str) -> list[str]:
    """The lines of a dump of the definitions, or of the rows in an order of their own; without what is different every time: moments,
    random UUIDs, a dump's own words.
    """
    place = prototypes.place_of(url)
    lines = DIFFERENT.sub("?", place.run(place.writing(*PARTS[part][place.kind])).decode("utf-8")).splitlines()
    # PostgreSQL rewrites the casts of a list in a condition each time it reads one.
    return [plain(line) for line in lines] if part == "definitions" else sorted(lines)


def plain(line: str) -> str:
    return re.sub(r"::[a-z ]+(?:\[\])?|[()]", "", line) if "ARRAY[" in line else line


PARTS = {
    "definitions": {"postgresql": ["--schema-only"], "mariadb": ["--no-data"]},
    "rows": {"postgresql": ["--data-only"], "mariadb": ["--no-create-info", "--skip-extended-insert"]},
}

DIFFERENT = re.compile(
    r"^\\(?:un)?restrict .*|[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}"
    r"|\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?(?:[+]00|Z)?",
    re.MULTILINE,
)
FACTS = "from webstreet.engine.health import facts; print(*facts().databases.values())"
ADDRESSES = (
    "from webstreet.atoms.newsletter.models import Subscriber;"
    " print(sorted(Subscriber.objects.values_list('email', 'created_at')))"
)


@pytest.mark.timeout(600)
@pytest.mark.requirement("P5")
def test_killed_in_the_middle_a_mariadb_is_finished_by_the_next(site_processes, lab_mariadb, wait_until):
    """There a definition cannot be rolled back; tests/engine/test_resuming.py goes through every statement."""
    names = [f"webstreet_killed_{os.getpid()}", f"webstreet_whole_{os.getpid()}"]
    try:
        killed, whole = (site_processes(DATABASE_URL=lab_mariadb.database(name), SECRET_KEY=KEY) for name in names)
        for number, reached in enumerate((5, 60, 30)):
            process = killed.start("prepare")
            wait_until(partial(has_migrated, killed.folder / f"log-{number}", reached), seconds=200, what="migrations")
            assert process.poll() is None
            process.kill()
            process.wait(10)
        killed.documents("prepare")
        whole.documents("prepare")
        shapes = []
        for name in names:
            with lab_mariadb.connection(name) as cursor:
                cursor.execute(SHAPE)
                shapes.append(set(cursor.fetchall()))
        assert len(shapes[1]) > 300
        assert shapes[0] == shapes[1]
    finally:
        for name in names:
            lab_mariadb.drop(name)


def has_migrated(log: Path, number: int) -> bool:
    return f'"migrate default","done":{number},' in log.read_text("utf-8").replace(": ", ":").replace(", ", ",")


SHAPE = """
SELECT table_name, column_name, column_type, is_nullable, collation_name FROM information_schema.columns
WHERE table_schema = DATABASE()
UNION SELECT table_name, column_name, constraint_name, referenced_table_name, referenced_column_name
FROM information_schema.key_column_usage WHERE table_schema = DATABASE()
"""


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
