"""Customizing a site: what is refused, what is recorded, what comes true, and how it is undone."""

from __future__ import annotations

import csv
import importlib
import io
from typing import Any

import pytest
from django.apps import apps

from webstreet.contract.template import shipped_template
from webstreet.control.clients.actions import remove_client
from webstreet.control.clients.models import Client
from webstreet.control.journal.models import Event
from webstreet.control.sites import dictionary
from webstreet.control.sites.actions import Opening, close_site, open_site
from webstreet.control.sites.customizations import Customization, CustomizationClosed, opened_with
from webstreet.control.sites.customizing import customize, undo
from webstreet.control.sites.models import Site, SiteSecret
from webstreet.kernel.errors import WebstreetError
from webstreet.kernel.secret import Secret

WHY = "Acme reads every mail before it goes."
DRAFT = {"newsletter": {"on_publish": "draft"}}


def state(site: Site) -> tuple[Any, ...]:
    site.refresh_from_db()
    return site.wanted_atoms, site.wanted_generation, Customization.objects.count(), Event.objects.count()


BAD = [
    ({}, WHY, "customization.invalid", "changes nothing"),
    ({"newsletter": {}}, WHY, "customization.invalid", "changes nothing"),
    ({"newsleter": {"on_publish": "off"}}, WHY, "customization.invalid", 'Did you mean "newsletter"?'),
    ({"newsletter": {"on_publsh": "off"}}, WHY, "customization.invalid", 'Did you mean "on_publish"?'),
    ({"newsletter": {"on_publish": "drafft"}}, WHY, "customization.invalid", 'Did you mean "draft"?'),
    ({"newsletter": {"batch_size": "many"}}, WHY, "customization.invalid", "must be of type integer, not string"),
    ({"newsletter": {"on_publish": "draft", "batch_size": "many"}}, WHY, "customization.invalid", "batch_size"),
    ({"newsletter": {"on_publish": "x" * 30_000}}, WHY, "customization.invalid", "shorter than 20 kB"),
    ({"newsletter": {"on_publish": "a\0"}}, WHY, "customization.invalid", "NUL"),
    (DRAFT, "", "customization.why_missing", "Say why"),
    (DRAFT, " \n ", "customization.why_missing", "Say why"),
    (DRAFT, "x" * 501, "customization.why_missing", "500"),
    (DRAFT, "see https://me:canary@example.com/", "customization.secret", "password"),
    (DRAFT, "sent by Mailgun://canary-key@example.com", "customization.secret", "password"),
    ({"newsletter": {"on_publish": "smtp://me:canary@h"}}, WHY, "customization.secret", "password"),
]


@pytest.mark.parametrize(("changes", "why", "code", "said"), BAD)
def test_a_wrong_one_changes_nothing(blog: Site, changes: Any, why: str, code: str, said: str) -> None:
    before = state(blog)
    with pytest.raises(WebstreetError) as caught:
        customize(blog, changes, why=why, by="test")
    assert caught.value.error_code == code
    assert said in str(caught.value)
    assert "canary" not in str(caught.value)
    assert state(blog) == before


def test_it_is_recorded_and_comes_true(blog: Site, reconcile: Any, memory: Any) -> None:
    reconcile()
    made = customize(blog, {"newsletter": {"on_publish": "draft", "batch_size": 7}}, why=f"  {WHY}\n", by="ann")
    assert [(row.number, row.subject, row.before, row.after, row.why, row.by) for row in made] == [
        (1, "newsletter.on_publish", {"value": "send"}, {"value": "draft"}, WHY, "ann"),
        (2, "newsletter.batch_size", {}, {"value": 7}, WHY, "ann"),
    ]
    blog.refresh_from_db()
    assert blog.wanted_generation == 2
    assert blog.state == "updating"
    reconcile()
    blog.refresh_from_db()
    assert (blog.state, blog.seen_generation) == ("running", 2)
    assert blog.manifest().atoms["newsletter"] == {"on_publish": "draft", "batch_size": 7}
    lines = Event.objects.filter(what="site.customized")
    assert sorted(line.detail["subject"] for line in lines) == ["newsletter.batch_size", "newsletter.on_publish"]


def test_the_same_again_changes_nothing(blog: Site) -> None:
    customize(blog, DRAFT, why=WHY, by="test")
    before = state(blog)
    assert customize(blog, DRAFT, why=WHY, by="test") == []
    assert state(blog) == before


def test_undoing_goes_back_step_by_step(blog: Site) -> None:
    customize(blog, DRAFT, why=WHY, by="test")
    customize(blog, {"newsletter": {"on_publish": "off"}}, why="No mails in August.", by="test")
    with pytest.raises(WebstreetError, match=r"Undo 2 first. \[customization.past\]"):
        undo(blog, 1, why="x", by="test")
    back = undo(blog, 2, why="September.", by="bob")
    assert (back.number, back.undoes, back.before, back.after) == (3, 2, {"value": "off"}, {"value": "draft"})
    blog.refresh_from_db()
    assert blog.wanted_atoms["newsletter"]["on_publish"] == "draft"
    assert {row.number: row.in_force for row in Customization.objects.with_force()} == {1: True, 2: False, 3: False}
    for number in (2, 3, 9):
        with pytest.raises(WebstreetError, match=r"customization\.(past|missing)"):
            undo(blog, number, why="x", by="test")
    undo(blog, 1, why="Enough.", by="test")
    blog.refresh_from_db()
    assert blog.wanted_atoms["newsletter"] == {"on_publish": "send"}
    assert not Customization.objects.with_force().filter(in_force=True).exists()


def test_a_parameter_that_was_not_set_is_unset_again(blog: Site) -> None:
    customize(blog, {"newsletter": {"batch_size": 7}}, why=WHY, by="test")
    row = undo(blog, 1, why="x", by="test")
    assert dictionary.shown_values(row) == ("set", 7, "default", 500)
    blog.refresh_from_db()
    assert "batch_size" not in blog.wanted_atoms["newsletter"]


def test_what_was_asked_for_at_the_opening_is_told_apart(acme: Client, memory: Any) -> None:
    wish = Opening(
        client="acme", site="own", template="publication", parameters={"newsletter": {"on_publish": "off"}},
        residency={"newsletter": "client"}, why="A contract with Acme.", email_url=Secret("smtp://u:canary@mail.example"),
        database_urls={"newsletter": Secret("postgresql://u:canary@db.example/n")},
    )  # fmt: skip
    site = open_site(wish, by="ann")
    customize(site, {"articles": {}, "newsletter": {"batch_size": 7}}, why=WHY, by="bob")
    rows = list(Customization.objects.order_by("number"))
    assert [(row.subject, row.at_opening, row.by) for row in rows] == [
        ("newsletter.on_publish", True, "ann"), ("residency.newsletter", True, "ann"), ("EMAIL_URL", True, "ann"),
        ("NEWSLETTER_DATABASE_URL", True, "ann"), ("newsletter.batch_size", False, "bob"),
    ]  # fmt: skip
    assert [dictionary.shown_values(row) for row in rows[:3]] == [
        ("set", "send", "set", "off"), ("set", "hosted", "set", "client"), ("default", None, "secret", None),
    ]  # fmt: skip
    assert "canary" not in str(list(Customization.objects.values()))
    for fixed in (2, 3, 4):
        with pytest.raises(WebstreetError, match=r"customization\.fixed"):
            undo(site, fixed, why="x", by="test")
    undo(site, 1, why="The contract ended.", by="test")
    site.refresh_from_db()
    assert site.wanted_atoms["newsletter"] == {"on_publish": "send", "batch_size": 7}


def test_sites_from_before_there_was_a_record_get_what_they_were_opened_with(blog: Site) -> None:
    old = Site.objects.create(
        client=blog.client, cluster=blog.cluster, name="old", created_by="ann", wanted_title="Old", wanted_template="publication",
        wanted_atoms=shipped_template("publication").atoms | {"newsletter": {"on_publish": "off", "batch_size": 7}},
    )  # fmt: skip
    old.residencies.create(atom="newsletter", where="client")
    SiteSecret.put(old, "NEWSLETTER_DATABASE_URL", Secret("postgresql://u:canary@db.example/n"))
    SiteSecret.put(old, "DEFAULT_EMAIL_URL", Secret("smtp://mail.example"))
    migration = importlib.import_module("webstreet.control.sites.migrations.0004_customizations_of_openings")
    for _ in range(2):
        migration.record_openings(apps, None)
    rows = old.customizations.order_by("number")
    assert [(row.number, row.subject, row.by, row.at_opening, row.at == old.created_at) for row in rows] == [
        (1, "newsletter.batch_size", "ann", True, True), (2, "newsletter.on_publish", "ann", True, True),
        (3, "residency.newsletter", "ann", True, True), (4, "NEWSLETTER_DATABASE_URL", "ann", True, True),
    ]  # fmt: skip
    assert not blog.customizations.exists()
    undo(old, 2, why="As everybody", by="test")
    old.refresh_from_db()
    assert old.wanted_atoms["newsletter"]["on_publish"] == "send"


def test_a_site_as_its_template_has_none(blog: Site) -> None:
    assert not Customization.objects.exists()
    planned = shipped_template("publication").atoms
    assert opened_with(planned, {}, {}, planned) == []


def test_records_stay_as_they_are(blog: Site) -> None:
    row = customize(blog, DRAFT, why=WHY, by="test")[0]
    for wrong in (
        row.save,
        row.delete,
        Customization.objects.all().delete,
        lambda: Customization.objects.update(why=""),
    ):
        with pytest.raises(CustomizationClosed):
            wrong()


def test_nothing_is_in_force_for_a_closed_site_and_its_client_can_go(blog: Site, reconcile: Any, operator: Any) -> None:
    customize(blog, DRAFT, why=WHY, by="test")
    close_site(blog, confirm="acme/blog", by="test")
    with pytest.raises(WebstreetError, match=r"site\.closing"):
        customize(blog, {"newsletter": {"on_publish": "off"}}, why=WHY, by="test")
    reconcile(6)
    assert operator.get("/dictionary/customizations?in_force=true").json()["total"] == 0
    assert operator.get("/dictionary/customizations?in_force=false").json()["items"][0]["in_force"] is False
    remove_client(Client.objects.get(), by="test")
    assert not Customization.objects.exists()


class TestOverTheApi:
    def test_customize_list_and_undo(self, blog: Site, operator: Any, admin: Any) -> None:
        wrong = operator.post("/sites/acme/blog/customizations", {"parameters": {"newsleter": {"a": 1}}, "why": WHY})
        assert (wrong.status_code, wrong.json()["code"]) == (422, "customization.invalid")
        assert wrong.json()["problems"][0]["suggestion"] == 'Did you mean "newsletter"?'
        answer = admin.post("/sites/acme/blog/customizations", {"parameters": DRAFT, "why": WHY})
        assert answer.status_code == 202
        assert answer.json()["wanted_generation"] == 2
        item = answer.json()["items"][0]
        assert (item["before"], item["after"], item["why"], item["in_force"]) == ("send", "draft", WHY, True)
        assert operator.get("/sites/acme/blog/customizations").json()["items"] == [item]
        assert operator.get("/dictionary/customizations?client=acme&atom=newsletter&q=reads").json()["items"] == [item]
        assert operator.get("/dictionary/customizations?q=nobody").json()["total"] == 0
        undone = operator.post("/sites/acme/blog/customizations/1/undo", {"why": "Not any more."})
        assert undone.json()["items"][0]["undoes"] == 1
        again = operator.post("/sites/acme/blog/customizations/1/undo", {"why": "Not any more."})
        assert (again.status_code, again.json()["code"]) == (409, "customization.past")
        missing = operator.post("/sites/acme/blog/customizations/99999999999999/undo", {"why": "x"})
        assert missing.status_code in (404, 422)

    def test_as_csv_without_formulas(self, blog: Site, operator: Any) -> None:
        customize(blog, DRAFT, why="=HYPERLINK(1)", by="test")
        answer = operator.get("/dictionary/customizations?format=csv")
        assert answer["Content-Type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
        assert [(row["site"], row["after"], row["why"]) for row in rows] == [("blog", "draft", "'=HYPERLINK(1)")]
