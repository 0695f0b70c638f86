"""An export goes through memory to who may have it, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.conf import settings

from webstreet.contract.jobs import Failure
from webstreet.control.journal.models import Event
from webstreet.control.orchestrators.memory import MemoryOrchestrator
from webstreet.control.sites.exporting import EXPORTERS
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
    assert EXPORTERS.acquire(blocking=False)
    busy = admin.get(PATH)
    EXPORTERS.release()
    assert (busy.status_code, busy.json()["code"]) == (429, "export.busy")


def test_a_site_that_does_not_run_says_so(blog: Site, admin: Any) -> None:
    assert admin.get(PATH).json()["code"] == "site.not_running"
