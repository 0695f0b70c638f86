"""An export goes through memory to who may have it, and nowhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from webstreet.contract.jobs import Failure
from webstreet.control.clients.models import Client
from webstreet.control.journal.models import Event
from webstreet.control.orchestrators.memory import MemoryOrchestrator
from webstreet.control.orchestrators.processes import commands
from webstreet.control.orchestrators.processes.folder import Folder
from webstreet.control.sites import errors, exporting
from webstreet.control.sites.exporting import PLACES, Places
from webstreet.control.sites.models import Residency, Site

PATH = "/sites/acme/blog/export"


@pytest.fixture
def asked(blog: Site, memory: MemoryOrchestrator, reconcile: Any) -> list[Sequence[str]]:
    """What the site's command was asked for; it answers with the beginning of an archive."""
    found: list[Sequence[str]] = []

    def command(arguments: Sequence[str]) -> tuple[int, list[str]]:
        found.append(arguments)
        return 0, ["\x1f\x8b archive"]

    memory.commands["export"] = command
    reconcile()
    return found


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def test_it_is_streamed_and_nothing_is_kept(asked: list[Sequence[str]], admin: Any) -> None:
    answer = admin.get(PATH)
    assert body(answer) == b"\x1f\x8b archive\n"
    answer.close()
    assert answer["Content-Disposition"] == 'attachment; filename="acme-blog.tar.gz"'
    assert asked == [["-"]]
    assert list(settings.STATE.spool.iterdir()) == []
    assert Event.objects.filter(what="site.exported").exists()


def test_what_the_client_keeps_goes_to_the_client_only(
    asked: list[Sequence[str]], admin: Any, operator: Any, blog: Site
) -> None:
    Residency.objects.create(site=blog, atom="newsletter", where="client")
    for who in (admin, operator):
        answer = who.get(PATH)
        body(answer)
        answer.close()
    assert asked == [["-"], ["-", "--leave-out=newsletter"]]


@pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("stranger", 404), ("anonymous", 401)])
def test_who_may_not_change_the_site_gets_none(
    asked: list[Sequence[str]], request: pytest.FixtureRequest, who: str, status: int
) -> None:
    assert request.getfixturevalue(who).get(PATH).status_code == status
    assert asked == []


def test_a_failure_before_the_first_byte_is_an_error(
    asked: list[Sequence[str]], admin: Any, memory: MemoryOrchestrator
) -> None:
    def failing(*documents: Failure) -> Callable[[Sequence[str]], tuple[int, list[str]]]:
        return lambda arguments: (1, [document.model_dump_json() for document in documents])

    memory.commands["export"] = failing(Failure(code="store.down", message="It does not answer."))
    answer = admin.get(PATH)
    assert (answer.status_code, answer.json()["code"]) == (503, "store.down")
    memory.commands["export"] = failing()
    assert admin.get(PATH).json()["code"] == "export.failed"


def test_a_site_that_does_not_run_says_so(blog: Site, admin: Any) -> None:
    assert admin.get(PATH).json()["code"] == "site.not_running"


def test_each_client_has_one_place_among_few() -> None:
    places = Places(total=2)
    places.take(1)
    with pytest.raises(errors.ExportBusy, match="this client"):
        places.take(1)
    places.take(2)
    with pytest.raises(errors.ExportBusy, match="at once"):
        places.take(3)
    places.give_back(1)
    places.take(3)


def test_the_export_of_one_client_leaves_room_for_another(
    asked: list[Sequence[str]], admin: Any, acme: Client, other: Client
) -> None:
    PLACES.take(other.pk)
    try:
        first = admin.get(PATH)
        again = admin.get(PATH)
    finally:
        PLACES.give_back(other.pk)
    assert (again.status_code, again.json()["code"]) == (429, "export.busy")
    assert body(first) == b"\x1f\x8b archive\n"
    first.close()
    assert body(admin.get(PATH)), "the place was not given back"


ENDLESS = """
import os, sys
print(os.getpid(), file=open(sys.argv[1], "w"))
while True:
    sys.stdout.buffer.write(bytes([0x1F, 0x8B]) * 65536)
"""


def endless(memory: MemoryOrchestrator, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """The site's command is a real process, and never comes to an end."""
    wanted = {"environment": {}, "command": [sys.executable, "-c", ENDLESS, str(folder / "pid")]}
    monkeypatch.setattr(
        memory, "stream", lambda site, command, timeout_s: commands.stream(wanted, Folder(folder), [], timeout_s)
    )


def test_who_takes_an_export_drop_by_drop_keeps_no_place(
    asked: list[Sequence[str]], admin: Any, memory: MemoryOrchestrator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    endless(memory, monkeypatch, tmp_path)
    monkeypatch.setattr(exporting, "UNREAD_S", 1.0)
    monkeypatch.setattr(exporting, "SLOWEST_BYTES_S", 10**9)
    pieces = iter(admin.get(PATH).streaming_content)
    end = time.monotonic() + 30

    def drop_by_drop() -> None:
        while time.monotonic() < end:
            next(pieces)
            time.sleep(0.1)

    with pytest.raises(errors.ExportFailed, match="a second"):
        drop_by_drop()
    monkeypatch.undo()
    assert body(admin.get(PATH)) == b"\x1f\x8b archive\n"


def test_an_export_that_nobody_reads_is_ended_and_gives_its_place_back(
    asked: list[Sequence[str]],
    admin: Any,
    memory: MemoryOrchestrator,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    endless(memory, monkeypatch, tmp_path)
    monkeypatch.setattr(exporting, "UNREAD_S", 0.3)
    pieces = iter(admin.get(PATH).streaming_content)
    assert next(pieces).startswith(b"\x1f\x8b")
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline, "the command goes on"
        time.sleep(0.02)
    with pytest.raises(errors.ExportFailed, match="nothing of it was taken"):
        next(pieces)
    assert "the export of acme/blog was ended" in caplog.text
    monkeypatch.undo()
    assert body(admin.get(PATH)) == b"\x1f\x8b archive\n"
