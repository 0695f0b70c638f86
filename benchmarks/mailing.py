"""What the benchmark of delivery stands on: a site on each database, its audience, issues and workers, and the ledger read from outside."""

from __future__ import annotations

import contextlib
import functools
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
import pymysql

from benchmarks import ground
from tests.lab import mariadb, postgres
from tests.lab.smtp_sink import Sink
from webstreet.contract.template import shipped_template

KEY = "only-for-benchmarks-" * 4
SIZE_BYTES = 10_000
SESSIONS = 16
PATIENCE_S = 400.0
SERVERS = {"postgresql": postgres, "mariadb": mariadb}
DATABASES = ("sqlite", *SERVERS)
_PEOPLE = {
    "sqlite": """INSERT INTO newsletter_subscriber
        (public_id, email, name, language, status, status_since, created_at, source, unsubscribe_token)
        WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {end})
        SELECT lower(hex(randomblob(16))), 'reader' || i || '@example.org', '', 'en', 'active', '2026-01-01', '2026-01-01', 'form',
        lower(hex(randomblob(14))) FROM n""",
    "postgresql": """INSERT INTO newsletter_subscriber
        (public_id, email, name, language, status, status_since, created_at, source, unsubscribe_token)
        SELECT gen_random_uuid(), 'reader' || i || '@example.org', '', 'en', 'active', '2026-01-01', '2026-01-01', 'form',
        substr(md5(random()::text) || md5(i::text), 1, 28) FROM generate_series({first}, {end} - 1) i""",
    "mariadb": """INSERT INTO newsletter_subscriber
        (public_id, email, name, language, status, status_since, created_at, source, unsubscribe_token)
        SELECT md5(concat('a', seq)), concat('reader', seq, '@example.org'), '', 'en', 'active', '2026-01-01', '2026-01-01', 'form',
        substr(concat(md5(concat('b', seq)), md5(seq)), 1, 28) FROM seq_{first}_to_{last}""",
}
_MEMBERS = """INSERT INTO newsletter_membership (mailing_list_id, subscriber_id, created_at)
    SELECT {mailing_list}, id, '2026-01-01' FROM newsletter_subscriber WHERE id NOT IN (SELECT subscriber_id FROM newsletter_membership)"""
SIGN = """
from django.utils import timezone
from webstreet.atoms.newsletter import mails
from webstreet.atoms.newsletter.models import SigningKey
SigningKey.objects.all().delete()
if ALGORITHM:
    key = SigningKey.make(mails.sender().domain, ALGORITHM, "bench", timezone.now())
    key.become(key.times.__class__(key.pk, key.made_at, signing_at=timezone.now()))
"""
ALONE = """
import sys, time
from webstreet.mail.dkim import Signer, new_key, read_key
signer, data = Signer("bench.example", "bench", read_key(new_key(ALGORITHM))), b"x" * 600
print(flush=True)
sys.stdin.readline()
count, end = 0, time.perf_counter() + 2
while time.perf_counter() < end:
    signer.sign(data)
    count += 1
print(count / 2)
"""
PREPARE = "from webstreet.atoms.newsletter.models import MailingList; print(MailingList.main().pk)"
START = """
import sys, uuid
from datetime import timedelta
from django.utils import timezone
from webstreet.atoms.newsletter import ledger, tasks
from webstreet.atoms.newsletter.models import Issue, MailingList
word = "<p>" + "A paragraph of an article, as long as people write them. " * 3 + "</p>"
links = "<a href='\\ue000unsubscribe\\ue001'>x</a><a href='\\ue000preferences\\ue001'>y</a>"
made = [Issue.objects.create(article_uuid=uuid.uuid4(), mailing_list=MailingList.main(), subject=f"Issue {n}", language="en",
    html=(word * 45)[:7600] + links, text=("A line of text, as people write.\\n" * 60)[:1200] + "\\ue000unsubscribe\\ue001",
    ) for n in range(ISSUES)]
if FREEZE:
    for issue in made:
        issue.started_at = timezone.now()
        # A worker that looks for issues that were left would begin before the clock does.
        issue.due_at = issue.started_at + timedelta(days=1)
        issue.save(update_fields=["started_at", "due_at"])
        ledger.freeze_audience(issue)
print(" ".join(str(issue.pk) for issue in made), flush=True)
sys.stdin.readline()
for issue in made:
    issue.due_at = timezone.now()
    issue.started_at = issue.started_at or issue.due_at
    issue.save(update_fields=["started_at", "due_at"])
    tasks.wake(issue)
"""


@dataclass
class Mailer:
    """A site on one database whose newsletter goes to a ``sink``. ``name`` is one of `DATABASES`."""

    name: str
    environment: dict[str, str]
    sink: Sink
    audience: int = 0

    # Its ledger, read without the site's own code

    @functools.cached_property
    def _connection(self) -> Any:
        """Kept: to connect twenty times a second, while we wait, took a fifth of the machine from what is measured."""
        url = self.environment.get("NEWSLETTER_DATABASE_URL", "")
        parts = urlsplit(url)
        if self.name == "sqlite":
            return sqlite3.connect(Path(self.environment["DATA_DIR"]) / "newsletter.sqlite3", timeout=60)
        if self.name == "postgresql":
            return psycopg.connect(url)
        return pymysql.connect(
            host=parts.hostname, port=parts.port or 3306, user=unquote(parts.username or ""), database=parts.path[1:]
        )

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run them in one transaction; the rows of the last."""
        cursor = self._connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        rows = list(cursor.fetchall()) if cursor.description else []
        self._connection.commit()
        return rows

    def vacuum(self, table: str) -> None:
        """On PostgreSQL, what was deleted is gone."""
        self._connection.autocommit = True
        self._connection.execute(f"VACUUM {table}")
        self._connection.autocommit = False

    def code(self, text: str) -> str:
        command = [sys.executable, "-m", "webstreet.engine", "manage", "shell", "--no-imports", "-c", text]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=PATIENCE_S)
        if done.returncode:
            raise SystemExit(f"{self.name}: {done.stderr[-2000:]}")
        return done.stdout.strip()

    def grow(self, audience: int) -> None:
        """Have so many active subscribers."""
        if audience == self.audience:
            return
        mailing_list = self.code(PREPARE)
        people = _PEOPLE[self.name].format(first=self.audience, end=audience, last=audience - 1)
        self.sql(people, _MEMBERS.format(mailing_list=mailing_list))
        if self.name != "sqlite":
            analyze = "ANALYZE" + ("" if self.name == "postgresql" else " TABLE")
            self.sql(f"{analyze} newsletter_subscriber", f"{analyze} newsletter_membership")
        self.audience = audience

    def sign(self, algorithm: str) -> None:
        """Have mails signed with a key of ``algorithm`` from now on; with none when it is empty."""
        self.code(SIGN.replace("ALGORITHM", repr(algorithm)))

    # Its workers

    @contextlib.contextmanager
    def workers(self, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
        """Real worker processes, with nothing more to do."""
        with contextlib.ExitStack() as stack:
            found = [
                stack.enter_context(ground.process(["webstreet.engine", "work"], self.environment))
                for _ in range(count)
            ]
            for worker in found:
                ground.settle(worker.pid)
            yield found

    # Its issues

    @contextlib.contextmanager
    def issues(self, count: int = 1, *, frozen: bool = True) -> Iterator[Started]:
        """Issues that go out when `Started.go` is called; ``frozen``: their audience is written before."""
        text = START.replace("ISSUES", str(count)).replace("FREEZE", str(frozen))
        command = [sys.executable, "-m", "webstreet.engine", "manage", "shell", "--no-imports", "-c", text]
        process = subprocess.Popen(
            command, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise SystemExit(f"{self.name}: no issue was made")
            yield Started(self, [int(word) for word in line.split()], process)
        finally:
            if process.stdin:
                process.stdin.close()
            process.wait(60)


@dataclass
class Started:
    """Issues of one measurement."""

    mailer: Mailer
    numbers: Sequence[int]
    process: subprocess.Popen[str]
    began: float = 0.0
    arrived: int = 0
    """What the sink had counted before."""

    def go(self) -> None:
        self.arrived = self.mailer.sink.counted()
        self.began = time.perf_counter()
        if self.process.stdin:
            self.process.stdin.write("\n")
            self.process.stdin.flush()

    def sent(self) -> dict[int, int]:
        """Accepted by issue, as the chunks that are given back count them."""
        return {
            n: int(sent)
            for n, sent in self.mailer.sql(
                self._where("SELECT issue_id, COALESCE(SUM(sent), 0) FROM newsletter_chunk", "GROUP BY issue_id")
            )
        }

    def is_frozen(self) -> bool:
        """Whether every issue's whole audience is written."""
        select = self._where("SELECT COUNT(*) FROM newsletter_issue", "AND frozen_at IS NULL", "id")
        ((unfrozen,),) = self.mailer.sql(select)
        return not unfrozen

    def finished(self) -> bool:
        if not self.is_frozen():
            return False
        ((left,),) = self.mailer.sql(self._where("SELECT COUNT(*) FROM newsletter_chunk", "AND NOT closed"))
        return not left

    def wait(self, each: Any = None, pause_s: float = 0.05) -> float:
        """Until every issue is finished; the seconds since `go`. ``each`` is called while waiting."""
        while not self.finished():
            if time.perf_counter() - self.began > PATIENCE_S:
                raise SystemExit(f"{self.mailer.name}: not finished: {self.sent()}")
            if each is not None:
                each()
            time.sleep(pause_s)
        return time.perf_counter() - self.began

    def check(self, recipients: int) -> None:
        """Everybody is in the ledger as accepted, once; and as many mails arrived, as the sink counts them."""
        found = self.mailer.sql(self._where("SELECT state, COUNT(*) FROM newsletter_delivery", "GROUP BY state"))
        if dict(found) != {"sent": recipients}:
            raise SystemExit(f"{self.mailer.name}: {recipients} were to be sent, and the ledger says {dict(found)}")
        arrived = self.mailer.sink.counted() - self.arrived
        if arrived != recipients:
            raise SystemExit(f"{self.mailer.name}: {recipients} were to be sent, and {arrived} arrived")

    def forget(self) -> None:
        """Take the ledger's rows away, so that each measurement begins alike."""
        self.mailer.sql(
            self._where("DELETE FROM newsletter_delivery", ""), self._where("DELETE FROM newsletter_chunk", "")
        )
        if self.mailer.name == "postgresql":
            self.mailer.vacuum("newsletter_delivery")

    def _where(self, select: str, more: str, column: str = "issue_id") -> str:
        return f"{select} WHERE {column} IN ({', '.join(map(str, self.numbers))}) {more}"


def processor_s(processes: Sequence[subprocess.Popen[bytes]]) -> float:
    """Processor time that they used so far, in seconds."""
    found = 0
    for process in processes:
        fields = Path(f"/proc/{process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        found += int(fields[11]) + int(fields[12])
    return found / os.sysconf("SC_CLK_TCK")


def signing_alone(algorithm: str) -> float:
    """Signatures a second when every core does nothing else, all at the same time."""
    command = [sys.executable, "-c", ALONE.replace("ALGORITHM", repr(algorithm))]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    found = [subprocess.Popen(command, **pipes) for _ in range(os.cpu_count() or 1)]  # type: ignore[call-overload]
    try:
        for process in found:
            process.stdout.readline()
        for process in found:
            process.stdin.write("\n")
            process.stdin.flush()
        return float(sum(float(process.stdout.read()) for process in found))
    finally:
        for process in found:
            process.kill()
            process.communicate()


@contextlib.contextmanager
def site(name: str, folder: Path, sink: Sink) -> Iterator[Mailer]:
    """A prepared site on the database ``name``; raises `lab.base.Missing` when that is not installed."""
    with contextlib.ExitStack() as stack:
        variables = {"EMAIL_URL": sink.url, "SECRET_KEY": KEY}
        if name in SERVERS:
            server = stack.enter_context(SERVERS[name].running(durable=True))
            names = [f"webstreet_bench_mail_{part}_{os.getpid()}" for part in ("site", "newsletter")]
            for database in names:
                stack.callback(server.drop, database)
            variables["DATABASE_URL"], variables["NEWSLETTER_DATABASE_URL"] = map(server.database, names)
        folder.mkdir(parents=True)
        common = {
            "client": "acme",
            "site": "bench",
            "title": "Bench",
            "languages": ["en"],
            "domains": ["bench.example"],
        }
        manifest = shipped_template("publication").site(**common)
        atoms = {**manifest.atoms, "newsletter": {**manifest.atoms.get("newsletter", {}), "connections": SESSIONS}}
        (folder / "site.yaml").write_text(manifest.model_copy(update={"atoms": atoms}).to_yaml(), "utf-8")
        own = {"SITE_MANIFEST": str(folder / "site.yaml"), "DATA_DIR": str(folder / "data")}
        environment = os.environ | own | variables
        ground.engine(environment, "prepare")
        mailer = Mailer(name, environment, sink)
        stack.callback(lambda: mailer._connection.close())  # Before its database is dropped.
        yield mailer
