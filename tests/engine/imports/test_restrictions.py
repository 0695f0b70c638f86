"""A page that was not for everybody is for fewer people after an import, never for more."""

from __future__ import annotations

import pytest
from wagtail.models import Page, PageViewRestriction

from webstreet.contract.template import shipped_template
from webstreet.engine import hooks
from webstreet.engine import site as this_site
from webstreet.engine.imports import ImportContext
from webstreet.engine.imports.restrictions import restrict

pytestmark = pytest.mark.django_db


@pytest.fixture
def page():
    hooks.call("starter_content", this_site.current(), shipped_template("publication"))
    return Page.objects.get(slug="about", locale__language_code="en")


def row(kind: str, password: str = "", groups: tuple[str, ...] = ()) -> dict:
    return {"type": kind, "password": password, "groups": list(groups)}


@pytest.mark.parametrize(
    ("found", "kind", "groups", "said"),
    [
        (row("login"), "login", [], ""),
        (row("password", "shared"), "password", [], ""),
        (row("password"), "login", [], "whoever can sign in"),
        (row("groups", groups=("Editors",)), "groups", ["Editors"], ""),
        (
            row("groups", groups=("Editors", "Board")),
            "groups",
            ["Editors"],
            "no group Board here: only the other groups",
        ),
        (row("groups", groups=("Board",)), "groups", [], "only administrators"),
        (row("none"), "login", [], "whoever can sign in"),
        (row("age"), "login", [], "whoever can sign in"),
    ],
)
def test_each_restriction_holds(page, client, found, kind, groups, said):
    context = ImportContext("webstreet")
    restrict(page, [found], context)
    made = PageViewRestriction.objects.get(page=page)
    assert (made.restriction_type, [group.name for group in made.groups.all()]) == (kind, groups)
    reasons = [lost.reason for lost in context.finish().lost]
    assert [said in reason for reason in reasons] == ([True] if said else [])
    assert not Page.objects.public().filter(pk=page.pk).exists()
    answer = client.get("/about/")
    assert answer.status_code == (200 if kind == "password" else 302)


@pytest.mark.parametrize("found", [None, {}, [1], [{}], [{"type": "login"}], [row("groups") | {"groups": [1]}]])
def test_what_has_another_shape_is_refused(page, found):
    with pytest.raises((TypeError, KeyError, ValueError)):
        restrict(page, found, ImportContext("webstreet"))
