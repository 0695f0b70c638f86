"""docs/requirements.md: each requirement with its state; one said to be done has a test that carries its id."""

from __future__ import annotations

import re

from tests.meta.source import ROOT, requirement_markers

PAGE = ROOT / "docs/requirements.md"
STATES = {"done", "partly", "open"}
IDS = [f"H{n}" for n in range(1, 17)] + [f"P{n}" for n in range(1, 13)]
ROW = re.compile(r"^\| ([HP]\d+) \| (.+?) \| (\w+) \|(.*?)\|$", re.M)


def rows() -> dict[str, tuple[str, str]]:
    """Id -> state, and what the page says of tests and of what is left."""
    return {ident: (state, rest) for ident, _what, state, rest in ROW.findall(PAGE.read_text("utf-8"))}


def test_every_requirement_is_listed_once_with_a_known_state() -> None:
    listed = [match[0] for match in ROW.findall(PAGE.read_text("utf-8"))]
    assert listed == IDS
    assert {state for state, _ in rows().values()} <= STATES


def test_what_is_done_or_partly_done_has_a_test() -> None:
    marked = requirement_markers(ROOT / "tests")
    assert [ident for ident, (state, _) in rows().items() if state != "open" and ident not in marked] == []


def test_what_is_open_has_no_test_that_says_otherwise() -> None:
    marked = requirement_markers(ROOT / "tests")
    assert {ident: marked[ident] for ident, (state, _) in rows().items() if state == "open" and ident in marked} == {}


def test_no_test_names_a_requirement_that_does_not_exist() -> None:
    assert sorted(set(requirement_markers(ROOT / "tests")) - set(IDS)) == []


def test_what_is_partly_done_says_what_is_missing() -> None:
    assert [ident for ident, (state, rest) in rows().items() if state == "partly" and len(rest.split()) < 4] == []
