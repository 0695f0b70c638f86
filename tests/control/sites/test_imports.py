"""Imports: the spool, the engine's lines, kills and repeats."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client as DjangoClient

from webstreet.contract.jobs import Failure, ImportReport, Progress
from webstreet.control.orchestrators.base import CommandTooLong
from webstreet.control.orchestrators.memory import MemoryOrchestrator
from webstreet.control.sites import uploads
from webstreet.control.sites.actions import Opening, open_site
from webstreet.control.sites.errors import UploadIncomplete
from webstreet.control.sites.importing import MOST_ATTEMPTS, Importer
from webstreet.control.sites.imports import Import
from webstreet.control.sites.models import Site

DUMP = b"INSERT INTO articles VALUES (1);\n" * 100
PATH = "/api/v1/sites/acme/blog/imports"


@pytest.fixture
def importer(memory: MemoryOrchestrator) -> Importer:
    return Importer(settings.STATE.spool, memory)


@pytest.fixture
def upload(blog: Site, admin: Any, reconcile: Any) -> Callable[..., Any]:
    """Send a file to acme/blog, which runs."""
    reconcile()

    def send(body: bytes = DUMP, source: str = "crispy-octo", **extra: Any) -> Any:
        headers = {"Authorization": f"Bearer {admin.key}"}
        return DjangoClient().post(
            f"{PATH}?source={source}", body, content_type="application/sql", headers=headers, **extra
        )

    return send


def spooled() -> list[Path]:
    return list(settings.STATE.spool.iterdir())


def engine(*documents: Any, code: int = 0) -> Callable[[Sequence[str]], tuple[int, list[str]]]:
    """A one-off command that reads its file and prints these documents."""

    def command(arguments: Sequence[str]) -> tuple[int, list[str]]:
        assert Path(arguments[2]).read_bytes() == DUMP
        return code, [document.model_dump_json() for document in documents]

    return command


REPORT = ImportReport(source="crispy-octo", created={"articles": 3}, rejected=[{"line": 7, "reason": "not an address"}])


def test_an_import_from_upload_to_report(
    upload: Any, importer: Importer, memory: MemoryOrchestrator, admin: Any
) -> None:
    memory.commands["import"] = engine(Progress(step="articles", done=3, total=3), REPORT)
    answer = upload()
    assert answer.status_code == 202, answer.content
    path = f"/sites/acme/blog/imports/{answer.json()['id']}"
    assert admin.get(path).json()["state"] == "waiting"
    (file,) = spooled()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_bytes() == DUMP
    assert importer.once()
    shown = admin.get(path).json()
    assert (shown["state"], shown["failure"]) == ("done", None)
    assert shown["report"]["created"] == {"articles": 3}
    assert shown["progress"] == {"step": "articles", "done": 3, "total": 3}
    assert spooled() == []
    assert not importer.once()
    assert admin.get("/sites/acme/blog/imports").json()["total"] == 1


def test_a_failure_is_told_and_the_file_removed(upload: Any, importer: Importer, memory: MemoryOrchestrator) -> None:
    problem = {"path": "line 3", "rule": "is not SQL.", "suggestion": ""}
    memory.commands["import"] = engine(Failure(code="dump.invalid", message="Not a dump.", problems=[problem]), code=1)
    upload()
    importer.once()
    job = Import.objects.get()
    assert job.state == "failed"
    assert job.failure == {"code": "dump.invalid", "message": "Not a dump.", "problems": [problem]}
    assert spooled() == []


def test_a_crash_of_the_engine_is_a_failure(upload: Any, importer: Importer, memory: MemoryOrchestrator) -> None:
    memory.commands["import"] = lambda arguments: (-9, ["not json", "[]"])
    upload()
    importer.once()
    assert Import.objects.get().failure["code"] == "import.crashed"
    assert spooled() == []


def test_an_import_goes_on_after_a_kill(upload: Any, importer: Importer, memory: MemoryOrchestrator) -> None:
    upload()
    Import.objects.get().start()  # and then the process was killed
    memory.commands["import"] = engine(REPORT)
    importer.sweep(older_than_s=0)
    assert len(spooled()) == 1
    importer.once()
    assert Import.objects.get().state == "done"


def test_it_is_given_up_after_some_attempts(upload: Any, importer: Importer) -> None:
    upload()
    Import.objects.update(attempts=MOST_ATTEMPTS)
    importer.once()
    assert Import.objects.get().failure["code"] == "import.abandoned"
    assert spooled() == []


def test_a_file_that_nobody_needs_is_swept(upload: Any, importer: Importer) -> None:
    upload()
    (settings.STATE.spool / "left-by-a-kill").write_bytes(b"x")
    (settings.STATE.spool / "cut-off.part").write_bytes(b"x")
    importer.sweep()
    assert len(spooled()) == 3, "its import may be about to be committed"
    importer.sweep()
    assert {path.name for path in spooled()} == {Import.objects.get().spool_name, "cut-off.part"}
    importer.sweep(older_than_s=0)
    assert len(spooled()) == 1


def test_a_site_that_does_not_run_lets_its_import_wait(blog: Site, importer: Importer) -> None:
    Import.objects.create(site=blog, source="crispy-octo", created_by="test")
    assert not importer.once()


@pytest.mark.parametrize(
    ("body", "source", "status", "code"),
    [(b"", "crispy-octo", 422, "import.empty"), (DUMP, "crispy-octopus", 422, "import.source_unknown")],
)
def test_a_bad_upload_leaves_nothing(upload: Any, body: bytes, source: str, status: int, code: str) -> None:
    answer = upload(body, source)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert spooled() == []
    assert not Import.objects.exists()


def test_an_upload_that_is_too_large_is_refused(upload: Any, settings: Any) -> None:
    settings.MAX_IMPORT_BYTES = 10
    answer = upload()
    assert (answer.status_code, answer.json()["code"]) == (413, "import.too_large")
    assert spooled() == []


def test_an_upload_that_was_cut_off_leaves_nothing(blog: Site) -> None:
    body = uploads.Body(iter([DUMP]), announced_bytes=len(DUMP) + 1, most_bytes=10**6)
    with pytest.raises(UploadIncomplete):
        uploads.take(blog, source="crispy-octo", body=body, spool=settings.STATE.spool, by="test")
    assert spooled() == []
    assert not Import.objects.exists()


def test_an_import_of_another_site_is_not_shown(upload: Any, operator: Any, other: Any) -> None:
    job = upload().json()["id"]
    operator.post("/sites", {"client": "other", "site": "blog", "template": "publication"})
    answer = operator.get(f"/sites/other/blog/imports/{job}")
    assert (answer.status_code, json.loads(answer.content)["code"]) == (404, "import.missing")


def test_one_site_may_not_fill_the_queue(upload: Any, importer: Importer, memory: MemoryOrchestrator) -> None:
    assert [upload().status_code for _ in range(2)] == [202, 202]
    answer = upload()
    assert (answer.status_code, answer.json()["code"]) == (409, "import.too_many")
    assert (Import.objects.count(), len(spooled())) == (2, 2)
    memory.commands["import"] = engine(REPORT)
    assert importer.once()
    assert upload().status_code == 202


@pytest.fixture
def of_other(other: Any, memory: MemoryOrchestrator, reconcile: Any) -> Import:
    """A waiting import of another client."""
    site = open_site(Opening(client="other", site="blog", template="publication"), by="test")
    reconcile()
    (settings.STATE.spool / "of-other").write_bytes(DUMP)
    return Import.objects.create(site=site, source="crispy-octo", spool_name="of-other", created_by="test")


def test_an_import_that_runs_holds_up_no_other_client(
    upload: Any, of_other: Import, importer: Importer, memory: MemoryOrchestrator
) -> None:
    """In one thread: whoever looks for work while an import runs."""
    first, second = (uuid.UUID(upload().json()["id"]) for _ in range(2))
    seen: list[Any] = []

    def command(arguments: Sequence[str]) -> tuple[int, list[str]]:
        seen.append(Import.objects.get(spool_name=Path(arguments[-1]).name).pk)
        if len(seen) <= 2:
            seen.append(importer.once())
        return 0, [REPORT.model_dump_json()]

    memory.commands["import"] = command
    assert importer.once()
    assert seen == [of_other.pk, first, False, True], "the second of the same client waits"
    assert importer.once()
    assert seen[-1] == second


def test_clients_take_turns(upload: Any, of_other: Import, importer: Importer, memory: MemoryOrchestrator) -> None:
    first, second = (uuid.UUID(upload().json()["id"]) for _ in range(2))
    memory.commands["import"] = engine(REPORT)
    Import.objects.filter(pk=first).update(created_at=of_other.created_at - timedelta(hours=2))
    Import.objects.filter(pk=second).update(created_at=of_other.created_at - timedelta(hours=1))
    while importer.once():
        pass
    assert list(Import.objects.order_by("started_at").values_list("pk", flat=True)) == [first, of_other.pk, second]


def test_an_import_that_takes_too_long_fails_clearly(
    upload: Any, importer: Importer, memory: MemoryOrchestrator
) -> None:
    def late(arguments: Sequence[str]) -> tuple[int, list[str]]:
        raise CommandTooLong("The command import had not ended after 120 minutes and was ended.")

    memory.commands["import"] = late
    upload()
    assert importer.once()
    job = Import.objects.get()
    assert (job.state, job.failure["code"], job.attempts) == ("failed", "import.too_long", 1)
    assert "120 minutes" in job.failure["message"]
    assert spooled() == []


def test_options_reach_the_engine_as_one_word_each(
    upload: Any, importer: Importer, memory: MemoryOrchestrator, admin: Any
) -> None:
    seen: list[Sequence[str]] = []

    def command(arguments: Sequence[str]) -> tuple[int, list[str]]:
        seen.append(arguments[:-1])
        return 0, [ImportReport(source="csv", dry_run=True).model_dump_json()]

    memory.commands["import"] = command
    answer = upload(source="csv&map=email=E-Mail&map=name=--dry-run&dry_run=true")
    assert answer.status_code == 202, answer.content
    assert importer.once()
    assert seen == [["--from", "csv", "--map=email=E-Mail", "--map=name=--dry-run", "--dry-run"]]
    shown = admin.get(f"/sites/acme/blog/imports/{answer.json()['id']}").json()
    assert shown["options"] == {"map": ["email=E-Mail", "name=--dry-run"], "dry_run": True}


def test_what_an_import_may_fetch_is_the_operators_to_say(
    upload: Any, importer: Importer, memory: MemoryOrchestrator, settings: Any
) -> None:
    settings.MAX_FETCH_FILES, settings.MAX_FETCH_MB, settings.MAX_FETCH_MINUTES = 7, 8, 9
    seen: list[Sequence[str]] = []

    def command(arguments: Sequence[str]) -> tuple[int, list[str]]:
        seen.append(arguments[2:-1])
        return 0, [REPORT.model_dump_json()]

    memory.commands["import"] = command
    assert upload(source="wordpress&fetch_remote=true").status_code == 202
    assert importer.once()
    assert seen == [["--fetch-remote", "--fetch-files=7", "--fetch-mb=8", "--fetch-minutes=9"]]


@pytest.mark.parametrize(
    "source", ["crispy-octo&dry_run=true", "csv&fetch_remote=true", "wordpress&map=a=b", "csv&map=nonsense"]
)
def test_an_option_of_another_source_is_refused(upload: Any, source: str) -> None:
    answer = upload(source=source)
    assert (answer.status_code, answer.json()["code"]) == (422, "import.option")
    assert spooled() == []


def test_a_waiting_import_is_cancelled(upload: Any, importer: Importer, admin: Any, viewer: Any) -> None:
    job = upload().json()["id"]
    path = f"/sites/acme/blog/imports/{job}/cancel"
    assert viewer.post(path).status_code == 403
    assert admin.post(path).status_code == 202
    assert importer.once()
    found = Import.objects.get()
    assert (found.state, found.failure["code"], found.attempts) == ("failed", "import.cancelled", 0)
    assert spooled() == []
    assert admin.post(path).json()["code"] == "import.finished"


def test_a_running_import_is_cancelled(upload: Any, importer: Importer, memory: MemoryOrchestrator, admin: Any) -> None:
    job = upload().json()["id"]

    def command(arguments: Sequence[str]) -> tuple[int, list[str]]:
        admin.post(f"/sites/acme/blog/imports/{job}/cancel")
        return 0, [Progress(step="articles", done=1, total=3).model_dump_json(), REPORT.model_dump_json()]

    memory.commands["import"] = command
    assert importer.once()
    assert Import.objects.get().failure["code"] == "import.cancelled"


def test_subscribers_of_a_newsletter_at_the_client_are_not_spooled(upload: Any, blog: Site, monkeypatch: Any) -> None:
    from webstreet.control.sites.models import Residency

    Residency.objects.create(site=blog, atom="newsletter", where="client")
    answer = upload(source="csv")
    assert (answer.status_code, answer.json()["code"]) == (409, "import.residency")
    assert spooled() == []
    assert upload(source="wordpress").status_code == 202
