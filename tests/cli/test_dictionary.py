"""Customizing a site and reading the dictionaries, on the command line."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import httpx
import pytest

from tests.cli.conftest import Control, Result, run
from webstreet.cli.errors import CONFLICT, MISSING, USAGE

Run = Callable[..., Result]
SITE = "special/blog"
WHY = "The client reads every mail first"


@pytest.fixture(scope="module")
def site(control: Control) -> str:
    """An open site with one parameter of its own; its address."""
    run(control.state, "client", "add", "special")
    opened = run(control.state, "site", "open", SITE, "--set", "articles.page_size=7", "--why", "A short front page")
    assert opened.code == 0, opened.err
    return str(run(control.state, "site", "status", SITE, "--json").json["address"])


def test_what_goes_nowhere_is_said_when_it_is_opened_and_looked_at(site: str, webstreet: Run) -> None:
    shown = " ".join(webstreet("site", "status", SITE).out.split())
    assert "Warning: no mail server was named for this site" in shown
    assert "WEBSTREET_SITE_EMAIL_URL" in shown
    again = webstreet("site", "open", "special/second", "--no-wait")
    assert "Warning: no mail server was named" in again.err
    assert "Warning" not in again.out
    webstreet("site", "close", "special/second", "--yes-close", "special/second")


def test_a_customization_comes_true_and_is_undone(site: str, webstreet: Run) -> None:
    done = webstreet("site", "customize", SITE, "footer.holder=The special people", "--why", WHY)
    assert done.code == 0, done.err
    assert 'footer.holder: "" (default) → The special people' in done.out
    assert "The special people" in httpx.get(site, trust_env=False).text
    listed = webstreet("site", "customize", SITE, "--list", "--json").json["items"]
    assert [(r["number"], r["subject"], r["in_force"], r["at_opening"], r["why"]) for r in listed] == [
        (2, "footer.holder", True, False, WHY), (1, "articles.page_size", True, True, "A short front page"),
    ]  # fmt: skip
    assert webstreet("site", "status", SITE, "--json").json["customizations"] == 2
    same = webstreet("site", "customize", SITE, "footer.holder=The special people", "--why", WHY)
    assert "nothing was recorded" in same.out
    undone = webstreet("site", "customize", SITE, "--undo", "2", "--why", "They are not special any more")
    assert undone.code == 0, undone.err
    assert "The special people" not in httpx.get(site, trust_env=False).text
    assert webstreet("site", "customize", SITE, "--undo", "2", "--why", "x").code == CONFLICT
    assert max(map(len, webstreet("site", "customize", SITE, "--list").out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["newsletter.on_publish=draft"], USAGE, "--why"),
        (["--why", "x"], USAGE, "(--undo"),
        (["newsletter.on_publish=draft", "--undo", "1", "--why", "x"], USAGE, "(--undo"),
        (["newsletter=draft", "--why", "x"], USAGE, "ATOM.PARAMETER=VALUE"),
        (["newsleter.on_publish=draft", "--why", "x"], USAGE, "newsletter"),
        (["newsletter.on_publsh=draft", "--why", "x"], USAGE, "on_publish"),
        (["newsletter.on_publish=drafft", "--why", "x"], USAGE, "draft"),
        (["--undo", "99", "--why", "x"], MISSING, "customization.missing"),
    ],
)
def test_a_wrong_one_says_what_was_meant(site: str, webstreet: Run, arguments: list[str], code: int, said: str) -> None:
    result = webstreet("site", "customize", SITE, *arguments)
    assert (result.code, said in result.err) == (code, True), result.err


@pytest.mark.parametrize(
    ("name", "column", "expected"),
    [
        ("atoms", "parameter", "on_publish"), ("configuration", "name", SITE),
        ("settings", "name", "WEBSTREET_SITE_EMAIL_URL"), ("customizations", "name", "page_size"),
    ],
)  # fmt: skip
def test_each_dictionary_as_table_json_and_csv(
    site: str, webstreet: Run, name: str, column: str, expected: str
) -> None:
    shown = webstreet("dictionary", name)
    assert shown.code == 0, shown.err
    assert max(map(len, shown.out.splitlines())) <= 80
    document = webstreet("dictionary", name, "--json").json
    assert document["total"] == len(document["items"]) > 0
    table = webstreet("dictionary", name, "--csv")
    assert expected in [row[column] for row in csv.DictReader(io.StringIO(table.out))], table.out
    assert webstreet("dictionary", name, "--csv", "--json").code == USAGE


def test_the_dictionaries_are_narrowed(site: str, webstreet: Run) -> None:
    uses = webstreet(
        "dictionary", "configuration", "--kind", "site", "--atom", "newsletter", "--client", "special", "--json"
    )
    assert [entry["name"] for entry in uses.json["items"]] == [SITE]
    assert webstreet("dictionary", "customizations", "--client", "nobody").out == "Nothing is like that.\n"
    assert webstreet("dictionary", "configuration", "--kind", "sites").code == USAGE
    scopes = webstreet("dictionary", "settings", "--scope", "control", "--json").json["items"]
    assert {one["scope"] for one in scopes} == {"control"}
