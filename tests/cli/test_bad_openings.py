"""Openings that cannot be: through the command line and through the API, with the same code, and nothing is left of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Control, Result, run

Run = Callable[..., Result]
CLIENT = "bad-openings"
LONG = "x" * 300


@pytest.fixture(scope="module")
def taken(control: Control) -> str:
    """A domain that a site has."""
    run(control.state, "client", "add", CLIENT)
    body = {"client": CLIENT, "site": "first", "template": "publication", "domains": ["été.example"]}
    assert control.api("POST", "/sites", json=body).status_code == 201
    return "été.example"


CASES: dict[str, tuple[str, dict[str, Any], list[str], str]] = {
    "300 characters": (LONG, {}, [], "site.name_invalid"),
    "a title of 300 characters": ("x", {"title": LONG}, ["--title", LONG], "manifest.invalid"),
    "a name with spaces": ("two words", {}, [], "site.name_invalid"),
    "capitals in a taken domain": ("x", {"domains": ["ÉTÉ.Example"]}, ["--domain", "ÉTÉ.Example"], "domain.taken"),
    "a dot at its end": ("x", {"domains": ["été.example."]}, ["--domain", "été.example."], "domain.taken"),
    "in ASCII": ("x", {"domains": ["xn--t-9fab.example"]}, ["--domain", "xn--t-9fab.example"], "domain.taken"),
    "one domain twice": (
        "x", {"domains": ["a.example", "A.example."]}, ["--domain", "a.example", "--domain", "A.example."], "manifest.invalid",
    ),
    "a number that is a word": (
        "x", {"parameters": {"articles": {"page_size": "many"}}}, ["--set", "articles.page_size=many"], "manifest.invalid",
    ),
    "an unknown atom": ("x", {"parameters": {"artcles": {"a": 1}}}, ["--set", "artcles.a=1"], "manifest.invalid"),
}  # fmt: skip


@pytest.mark.requirement("H11")
@pytest.mark.parametrize("name", CASES)
def test_a_bad_opening_has_one_code(name: str, taken: str, control: Control, webstreet: Run) -> None:
    site, more, options, code = CASES[name]
    answer = control.api("POST", "/sites", json={"client": CLIENT, "site": site, "template": "publication", **more})
    said = webstreet("site", "open", f"{CLIENT}/{site}", *options, "--no-wait", "--json")
    assert (answer.json()["code"], said.error["code"]) == (code, code)
    assert (answer.status_code in (409, 422), said.code != 0, said.out) == (True, True, "")
    assert [s["site"] for s in control.api("GET", f"/sites?client={CLIENT}").json()["items"]] == ["first"]


@pytest.mark.requirement("H4")
@pytest.mark.parametrize("url", ["sqlite:////tmp/canary.sqlite3", "oracle://canary@db.example/news"])
def test_a_database_that_cannot_be_the_clients(
    url: str, taken: str, control: Control, webstreet: Run, tmp_path: Path
) -> None:
    file = tmp_path / "url"
    file.write_text(url)
    file.chmod(0o600)
    body = {"client": CLIENT, "site": "x", "template": "publication", "residency": {"newsletter": "client"}}
    answer = control.api("POST", "/sites", json={**body, "database_urls": {"newsletter": url}})
    options = ["--residency", "newsletter=client", "--database-url-file", f"newsletter={file}"]
    said = webstreet("site", "open", f"{CLIENT}/x", *options, "--no-wait", "--json")
    assert (answer.json()["code"], said.error["code"]) == ("manifest.invalid", "manifest.invalid")
    assert [problem["path"] for problem in answer.json()["problems"]] == ["database_urls.newsletter"]
    assert "PostgreSQL" in answer.json()["problems"][0]["suggestion"]
    assert "canary" not in answer.text + said.err
