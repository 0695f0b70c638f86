"""A whole site of the publication template as real processes, for tests that take away what it stands on."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.lab import base
from webstreet.contract.health import READY_PATH
from webstreet.contract.template import shipped_template

PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR")
TIMEOUT_S = 20.0
SUBSCRIBE = "/newsletter/subscribe/"
HOME = "/"
MADE_ANEW = "/?made=anew"
"""The home page, asked for in a way that no cache answers."""
ISSUE = """
import uuid
from django.utils import timezone
from webstreet.atoms.newsletter.models import Issue, MailingList, Membership, Subscriber
main = MailingList.main()
Subscriber.objects.bulk_create(Subscriber(email=f"s{{i}}@example.org", status="active") for i in range({audience}))
made = Subscriber.objects.filter(email__startswith="s")
Membership.objects.bulk_create(Membership(mailing_list=main, subscriber=s) for s in made)
Issue.objects.create(article_uuid=uuid.uuid4(), mailing_list=main, subject="Issue", language="en", started_at=timezone.now(),
    html="<p>Hello <a href='\\ue000unsubscribe\\ue001'>x</a></p>", text="Hello \\ue000unsubscribe\\ue001")
"""
LEDGER = """
import json
from webstreet.atoms.newsletter.models import Delivery, Issue
issue = Issue.objects.get()
state = str(issue.state)  # before the rows: who finishes between the two would have left some of them in the queue
rows = dict(Delivery.objects.values_list("subscriber__email", "state"))
print(json.dumps({"state": state, "trouble": issue.trouble, "total": issue.counts.total, "rows": rows}))
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a visitor got. ``status`` 0: no answer, ``text`` says why."""

    status: int
    text: str
    seconds: float
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The delivery ledger of the only issue."""

    state: str
    trouble: str
    total: int
    rows: dict[str, str]

    @property
    def counts(self) -> Counter[str]:
        return Counter(self.rows.values())

    def among(self, *states: str) -> set[str]:
        return {address for address, state in self.rows.items() if state in states}


class Site:
    """One site in ``folder``; ``variables`` are added to its environment."""

    def __init__(self, folder: Path, **variables: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.data = folder, folder / "data"
        self.port = base.free_port()
        manifest = shipped_template("publication").site(
            client="acme", site="blog", title="Blog", languages=["en"], domains=["blog.example.com"]
        )
        (folder / "site.yaml").write_text(manifest.to_yaml(), "utf-8")
        self.environ = {name: os.environ[name] for name in PASSED_ON if name in os.environ} | {
            "SITE_MANIFEST": str(folder / "site.yaml"),
            "DATA_DIR": str(self.data),
            "BASE_URL": f"http://127.0.0.1:{self.port}",
            "SECRET_KEY": "for-tests-only-" * 4,
            **variables,
        }
        self.started: list[subprocess.Popen[bytes]] = []

    # Its commands

    def run(self, *words: str, check: bool = True) -> str:
        """A one-off command; what it printed."""
        command = [sys.executable, "-m", "webstreet.engine", *words]
        done = subprocess.run(command, env=self.environ, capture_output=True, text=True, timeout=400, check=False)
        assert not check or done.returncode == 0, done.stderr + done.stdout
        return done.stdout.strip()

    def python(self, code: str) -> str:
        return self.run("manage", "shell", "--no-imports", "-c", code)

    def prepare(self, *, like: Path | None = None) -> None:
        """``like``: a data folder that was prepared before."""
        if like is not None:
            shutil.copytree(like, self.data, dirs_exist_ok=True)
        else:
            self.run("prepare")

    def announce(self, audience: int) -> None:
        """An issue for so many subscribers, about to be sent."""
        self.python(ISSUE.format(audience=audience))

    def ledger(self) -> Ledger:
        if "NEWSLETTER_DATABASE_URL" in self.environ:
            return Ledger(**json.loads(self.python(LEDGER)))
        ((frozen, trouble, chunks),) = self.sql(
            "SELECT frozen_at IS NOT NULL, trouble, (SELECT COUNT(*) FROM newsletter_chunk WHERE NOT closed) FROM newsletter_issue"
        )
        rows = self.rows()
        return Ledger("finished" if frozen and not chunks else "sending", trouble, len(rows), rows)

    def leases_run_out(self) -> None:
        """As if three minutes had passed since a worker was killed."""
        self.sql("UPDATE newsletter_chunk SET lease_until = datetime('now', '-1 second') WHERE lease_until IS NOT NULL")
        self.sql("UPDATE newsletter_issue SET woken_at = datetime('now', '-3 minutes')")

    def rows(self) -> dict[str, str]:
        """State of each recipient by address; who is under way is so by the mark of the chunk."""
        return dict(
            self.sql(
                "SELECT s.email, CASE WHEN d.state = 'queued' AND d.id BETWEEN c.sending_from AND c.sending_to"
                " THEN 'sending' ELSE d.state END FROM newsletter_delivery d JOIN newsletter_subscriber s ON s.id = d.subscriber_id"
                " JOIN newsletter_chunk c ON c.issue_id = d.issue_id AND c.number = d.number"
            )
        )

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """One statement on the newsletter's own SQLite file, beside the running site: no process has to start for it."""
        with contextlib.closing(sqlite3.connect(self.data / "newsletter.sqlite3", timeout=20)) as file, file:
            return file.execute(statement).fetchall()

    def finished(self, *, seconds: float = 180) -> Ledger:
        """Wait until the issue is finished."""
        found: list[Ledger] = []

        def over() -> bool:
            found.append(self.ledger())
            return found[-1].state == "finished"

        until(over, seconds=seconds, pause=0.3, what=lambda: f"the issue finishes: {found[-1:]} {self.log()[-3000:]}")
        return found[-1]

    # Its processes

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """A process of ``python -m webstreet.engine``; it must still run at the end of the test, unless the test ended it."""
        with (self.folder / f"log-{len(self.started)}").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "webstreet.engine", *words], env=self.environ, stdout=log, stderr=log
            )
        self.started.append(process)
        return process

    def serve(self) -> subprocess.Popen[bytes]:
        return self.start("serve", "--port", str(self.port))

    def work(self) -> subprocess.Popen[bytes]:
        return self.start("work")

    def open(self) -> tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]]:
        """Web and worker, ready."""
        both = self.serve(), self.work()
        until(lambda: self.get(READY_PATH).status == 200 and "worker.started" in self.log(), what=self.log)
        return both

    def log(self) -> str:
        """What its processes said; of those that said much, the end."""
        return "".join(path.read_text("utf-8", "replace")[-4000:] for path in sorted(self.folder.glob("log-*")))

    def end(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait(10)

    # Its visitors

    def get(self, path: str, *, method: str = "GET", body: str = "", timeout_s: float = TIMEOUT_S) -> Answer:
        began = time.monotonic()
        headers = {"Connection": "close", "Content-Type": "application/x-www-form-urlencoded"}
        try:
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)) as web:
                web.request(method, path, body=body or None, headers=headers)
                response = web.getresponse()
                text = response.read().decode("utf-8", "replace")
                found = {name.lower(): value for name, value in response.getheaders()}
                return Answer(response.status, text, time.monotonic() - began, found)
        except (OSError, http.client.HTTPException) as error:
            return Answer(0, repr(error), time.monotonic() - began)

    def sign_up(self, number: int) -> Answer:
        """Fill in the form and send it."""
        form = self.get(SUBSCRIBE)
        token = re.search(r'name="token" value="([^"]+)"', form.text)
        if form.status != http.HTTPStatus.OK or not token:
            return form
        return self.get(SUBSCRIBE, method="POST", body=f"email=reader{number}%40example.org&token={token[1]}")

    def ready(self) -> tuple[int, dict[str, dict[str, Any]]]:
        """Status of ``/-/ready`` and its parts by name."""
        answer = self.get(READY_PATH)
        return answer.status, {part["name"]: part for part in json.loads(answer.text or "{}").get("parts", [])}

    def note(self, part: str) -> str:
        """What readiness says of a part that is not well; empty if it is."""
        found = self.ready()[1].get(part, {"ok": False, "note": "it is not among the parts"})
        return "" if found["ok"] else found["note"]


class Visitors:
    """A few requests a second while the block lasts. ``answers`` by path, in their order."""

    def __init__(self, site: Site, *paths: str, every_s: float = 0.3) -> None:
        self.answers: dict[str, list[Answer]] = {path: [] for path in paths}
        self._site, self._every_s = site, every_s
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._visit, args=(path,)) for path in paths]

    def __enter__(self) -> Visitors:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _visit(self, path: str) -> None:
        while not self._stop.wait(self._every_s):
            self.answers[path].append(self._site.get(path))

    def last(self, path: str) -> Answer:
        return self.answers[path][-1] if self.answers[path] else Answer(0, "nobody asked yet", 0.0)


def until(
    true: Callable[[], object], *, seconds: float = 120, pause: float = 0.05, what: str | Callable[[], str] = ""
) -> object:
    """Poll until ``true()`` is; fail after ``seconds`` with ``what``."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(pause)
    raise AssertionError(f"did not happen within {seconds} s: {what() if callable(what) else what}")


@contextlib.contextmanager
def stopped(process: subprocess.Popen[bytes] | int) -> Iterator[None]:
    """Frozen by SIGSTOP while the block lasts, with everything below it."""
    pid = process if isinstance(process, int) else process.pid
    family = [pid, *descendants(pid)]
    for member in family:
        os.kill(member, signal.SIGSTOP)
    try:
        yield
    finally:
        for member in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(member, signal.SIGCONT)


def descendants(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += [int(child), *descendants(int(child))]
    return found
