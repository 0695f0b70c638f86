"""Lines that one-off commands print."""

from __future__ import annotations

import pytest

from webstreet.contract.jobs import Failure, ImportReport, LoginLink, Progress, Rejected, read_line

DOCUMENTS = [
    Progress(step="articles", done=3, total=12),
    ImportReport(source="crispy-octo", created={"articles": 12}, rejected=[Rejected(line=7, reason="no address")]),
    LoginLink(path="/-/login/x/", expires_at="2026-01-01T12:00:00+00:00"),
    Failure(
        code="dump.truncated", message="The dump ends in the middle of a statement.", problems=[{"path": "line 3"}]
    ),
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.kind)
def test_a_document_is_read_back(document: Progress | ImportReport | LoginLink | Failure) -> None:
    assert read_line(document.model_dump_json()) == document


@pytest.mark.parametrize("text", ["", "Traceback", "[]", "7", "{}", '{"kind": "other"}', '{"kind": "progress"}', "{"])
def test_anything_else_is_none(text: str) -> None:
    assert read_line(text) is None
