"""The dictionaries in the console: what is shown, filtered, exported; customizing a site there; and errors in French."""

from __future__ import annotations

import ast
import csv
import inspect
import io
import re
import string
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import translation

import webstreet
from webstreet.contract import environment
from webstreet.contract.site import SiteManifest, parameter_problems
from webstreet.contract.template import shipped_release as real_release
from webstreet.control.catalogue import settings as table
from webstreet.control.catalogue import shelf
from webstreet.control.clients import errors as client_errors
from webstreet.control.clients.models import Client
from webstreet.control.console.errors import BY_CODE, BY_SENTENCE, said, said_problem, said_text
from webstreet.control.places.models import make_local
from webstreet.control.reconcile import plan
from webstreet.control.sites import customizations, customizing
from webstreet.control.sites import errors as site_errors
from webstreet.control.sites.actions import Opening, checked_manifest
from webstreet.control.sites.customizing import customize
from webstreet.control.sites.models import Residency, Site
from webstreet.control.sites.seen import record_seen
from webstreet.control.start import operator as make_operator
from webstreet.control.tables import cell, csv_lines
from webstreet.kernel.errors import Broken, DocumentInvalid, Sentence, WebstreetError

ROOT = Path(__file__).resolve().parents[3]
INTERNAL = {"WEBSTREET_WEB_PARENT", "WEBSTREET_SUPERVISED"}
"""Set by a program of ours for another."""
WHY = "Acme reads every mail first"


@pytest.fixture
def browser(db: None) -> Browser:
    found = Browser()
    found.force_login(make_operator())
    return found


def table_of(answer: Any) -> list[dict[str, str]]:
    text = answer.getvalue().decode()
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


class TestSettings:
    """Nothing that controls a site or the control plane is missing from the table, and nothing is left over."""

    def names(self, scope: str) -> set[str]:
        return {one.name for one in table.FIXED if one.scope == scope}

    def test_those_of_a_site(self) -> None:
        assert self.names("site") == {*environment.ALL, *SiteManifest.model_fields}

    def test_those_of_the_control_plane_and_of_the_command_line(self) -> None:
        read = set()
        for folder in ("control", "cli"):
            for path in (ROOT / "src/webstreet" / folder).rglob("*.py"):
                if path.name != "settings.py" or "catalogue" not in path.parts:
                    read |= set(re.findall(r'"(WEBSTREET_[A-Z_]+)"', path.read_text("utf-8")))
        assert self.names("control") | self.names("command-line") == (read - INTERNAL) | {"DATABASE_URL"}

    def test_those_of_every_atom(self) -> None:
        found = {one.name for one in table.settings(real_release())}
        for atom in real_release().atoms:
            assert {f"{atom.name}.{name}" for name in atom.parameters.get("properties", {})} <= found
            assert (atom.database_variable in found) == atom.sensitive

    def test_each_says_all_there_is_to_say(self) -> None:
        for one in table.settings(real_release()):
            assert all((one.meaning, one.values, one.who, one.stored, one.effect)), one.name

    def test_secret_is_what_holds_a_secret(self) -> None:
        secret = {one.name for one in table.FIXED if one.secret}
        assert {
            "BOUNCE_MAILBOX_URL",
            "DATABASE_URL",
            "EMAIL_URL",
            "EVENTS_SECRET",
            "METRICS_TOKEN",
            "SECRET_KEY",
            "REDIS_URL",
            "WEBSTREET_SITE_EMAIL_URL",
            "WEBSTREET_SITE_METRICS_TOKEN",
            "WEBSTREET_SITE_REDIS_URL",
        } == secret


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_page_of_settings_finds_and_filters(browser: Browser, language: str) -> None:
    headers = {"Accept-Language": language}
    page = browser.get("/console/dictionary/settings/?q=import&scope=control", headers=headers).content.decode()
    assert "WEBSTREET_MAX_IMPORT_MB" in page
    assert "WEBSTREET_HOSTS" not in page
    assert ("Taille maximale" in page) == (language == "fr")
    assert "?q=import&amp;scope=control&amp;format=csv" in page
    rows = table_of(browser.get("/console/dictionary/settings/?q=import&scope=control&format=csv"))
    assert {row["name"] for row in rows} >= {"WEBSTREET_MAX_IMPORT_MB", "WEBSTREET_MAX_IMPORT_MINUTES"}
    assert [row for row in rows if "import" not in f"{row['name']} {row['meaning']}".lower()] == []
    assert "Nothing is like that." in browser.get("/console/dictionary/settings/?q=xyzzy").content.decode()


def test_the_page_of_the_configuration(browser: Browser, blog: Site) -> None:
    page = browser.get("/console/dictionary/configuration/").content.decode()
    assert page.index("publication") < page.index("acme/blog")
    assert "acme/blog" not in browser.get("/console/dictionary/configuration/?kind=template").content.decode()
    rows = table_of(browser.get("/console/dictionary/configuration/?kind=site&atom=newsletter&format=csv"))
    assert {(row["name"], row["how"]) for row in rows if row["atom"] == "newsletter"} == {("acme/blog", "on_publish")}
    assert browser.get("/console/dictionary/configuration/?page=99999&kind=nonsense&q=%00").status_code == 200


def test_customizing_and_undoing_in_the_console(browser: Browser, blog: Site) -> None:
    base = f"/console/sites/site/{blog.pk}"
    form = f"{base}/parameters/newsletter/batch_size/"
    wrong = browser.post(form, {"value": "12"})
    assert wrong.status_code == 200
    assert b"This field is required." in wrong.content
    assert browser.post(form, {"value": "many", "why": WHY}).status_code == 200
    secret = browser.post(
        form, {"value": "12", "why": "https://me:canary@example.com"}, headers={"Accept-Language": "fr"}
    )
    assert "URL avec un mot de passe" in secret.content.decode()
    blog.refresh_from_db()
    assert blog.wanted_generation == 1
    assert browser.post(form, {"value": "12", "why": WHY}).status_code == 302
    blog.refresh_from_db()
    assert blog.wanted_atoms["newsletter"]["batch_size"] == 12
    for page in (f"{base}/change/", f"{base}/parameters/", "/console/sites/customization/?force=yes"):
        text = browser.get(page).content.decode()
        assert "newsletter.batch_size" in text, page
        assert WHY in text, page
    rows = table_of(browser.get("/console/sites/customization/export/?q=reads"))
    assert [(row["subject"], row["from"], row["to"]) for row in rows] == [("newsletter.batch_size", "500", "12")]
    assert browser.get(f"{base}/undo/1/").status_code == 200
    assert browser.post(f"{base}/undo/1/", {"why": "Enough"}).status_code == 302
    blog.refresh_from_db()
    assert "batch_size" not in blog.wanted_atoms["newsletter"]
    again = browser.post(f"{base}/undo/1/", {"why": "Enough"})
    assert b"customization.past" in again.content
    assert b"newsletter.batch_size" not in browser.get("/console/sites/customization/?force=yes").content
    for missing in (f"{base}/undo/9/", f"{base}/parameters/newsletter/nothing/", f"{base}/parameters/nothing/x/"):
        assert browser.get(missing).status_code == 404


def test_lists_are_exported_as_filtered(browser: Browser, blog: Site) -> None:
    assert [row["site"] for row in table_of(browser.get("/console/sites/site/export/?q=blog&state=opening"))] == [
        "blog"
    ]
    assert table_of(browser.get("/console/sites/site/export/?state=failing")) == []
    page = browser.get("/console/sites/site/?q=blog&state=opening").content.decode()
    assert 'href="export/?q=blog&amp;state=opening"' in page
    assert browser.get("/console/sites/site/export/?nonsense__x=1").status_code == 302
    assert {row["what"] for row in table_of(browser.get("/console/journal/event/export/?q=blog"))} == {
        "site.open_wanted"
    }


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert next(iter(csv.reader(io.StringIO("".join(csv_lines(["a"], [[text]])), newline=""))), None) == ["a"]
    assert cell(text) == f"'{text}"
    assert cell(-1) == -1
    assert cell("x=1") == "x=1"


def test_rows_are_read_while_they_are_sent() -> None:
    read = []
    lines = csv_lines(["n"], ([read.append(n) or n] for n in range(1000)))
    next(lines), next(lines)
    assert read == [0]


@pytest.mark.parametrize("path", ["/console/sites/site/", "/console/dictionary/configuration/", "/console/catalogue/atoms/",
                                  "/console/sites/customization/", "/console/clients/client/", "/console/"])  # fmt: skip
def test_a_page_asks_the_database_as_often_for_many_as_for_few(browser: Browser, blog: Site, path: str) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert browser.get(path).status_code == 200
        return len(captured)

    customize(blog, {"newsletter": {"batch_size": 1}}, why=WHY, by="test")
    queries()
    few = queries()
    for n in range(12):
        client = Client.objects.create(name=f"c{n}", title=f"C {n}", offer="shared")
        site = Site.objects.create(
            client=client, cluster=make_local(), name="site", created_by="test", wanted_title="S",
            wanted_template="publication", wanted_atoms={"newsletter": {}, "articles": {}},
        )  # fmt: skip
        customize(site, {"newsletter": {"batch_size": 2}}, why=WHY, by="test")
    assert queries() == few


def test_the_list_of_the_api_asks_as_often_too(operator: Any, blog: Site) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert operator.get("/sites?limit=200").status_code == 200
        return len(captured)

    queries()
    few = queries()
    for n in range(12):
        Site.objects.create(
            client=blog.client, cluster=blog.cluster, name=f"s{n}", created_by="test", wanted_title="S",
            wanted_template="publication", wanted_atoms={"newsletter": {}},
        )  # fmt: skip
    assert queries() == few


class TestFrench:
    def test_every_error_of_the_console_has_a_sentence(self) -> None:
        modules = (client_errors, site_errors, customizations, customizing, shelf)
        errors = {
            c for m in modules for _n, c in inspect.getmembers(m, inspect.isclass) if issubclass(c, WebstreetError)
        }
        about_imports_and_programs = ("import.", "logs.", "access.", "key.missing", "login_link.")
        codes = {
            c.code for c in errors
            if not issubclass(c, Broken | DocumentInvalid) and not c.code.startswith(about_imports_and_programs)
            and c.__module__ != "webstreet.kernel.errors"
        }  # fmt: skip
        assert codes - set(BY_CODE) == set()

    def test_an_error_is_said_in_the_language_of_the_reader(self) -> None:
        error = site_errors.DomainTaken("The domain belongs to another site.")
        assert said(error) == "The domain belongs to another site. [domain.taken]"
        with translation.override("fr"):
            assert said(error).startswith("Ce domaine appartient à un autre site.")
            assert said(error).endswith("[domain.taken]")

    @pytest.mark.parametrize(
        "wish",
        [
            {"parameters": {"articels": {}}}, {"parameters": {"newsletter": {"on_publish": "sometimes"}}},
            {"parameters": {"newsletter": {"batch_size": "many"}}}, {"parameters": {"newsletter": {"colour": 1}}},
            {"domains": ["not a domain"]}, {"domains": ["a.example", "A.example."]}, {"domains": ["1.2.3.4"]},
            {"domains": ["https://a.example/x"]}, {"languages": ["tlh"]}, {"residency": {"articles": "client"}},
            {"residency": {"newsletter": "client"}},
        ],
    )  # fmt: skip
    def test_what_is_wrong_in_a_site_is_said_in_french(self, acme: Client, wish: Any) -> None:
        with pytest.raises(DocumentInvalid) as caught:
            checked_manifest(Opening(client="acme", site="blog", template="publication", **wish))
        with translation.override("fr"):
            for problem in caught.value.problems:
                told = said_problem(problem)
                assert not re.search(r"\b(is|must|not|the|should|Did|Known)\b", re.sub("«.*?»", "", told)), told

    def test_what_a_schema_says_is_said_in_french(self) -> None:
        atom = real_release().by_name["articles"]
        problems = [p for n in (0, 99, "x") for p in parameter_problems(atom, {"page_size": n})]
        assert len(problems) == 3
        with translation.override("fr"):
            assert [said_text(p.rule) == p.rule for p in problems] == [False, False, False]

    def test_every_sentence_with_a_code_is_said_in_french(self) -> None:
        """Wherever one is made: its code is known, and ours takes no value that it does not have."""
        made: dict[str, str] = {}
        for path in (Path(webstreet.__file__).parent / part for part in ("kernel", "contract", "control")):
            for source in path.rglob("*.py"):
                for node in ast.walk(ast.parse(source.read_text("utf-8"))):
                    if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Sentence.of", "listed"):
                        texts = [given.value for given in node.args[:2] if isinstance(given, ast.Constant)]
                        made |= {texts[0]: texts[1]} if len(texts) == 2 else {}
        assert len(made) >= 40
        of_schemas = {code for code in BY_SENTENCE if code.startswith(("value.", "parameter."))}
        assert set(made) - set(BY_SENTENCE) == set()
        assert set(BY_SENTENCE) - set(made) - of_schemas == set()
        for code, form in made.items():
            values = {name: "7" for _text, name, _spec, _conversion in string.Formatter().parse(form) if name}
            given = Sentence.of(code, form, **values)
            assert said_text(given) == form.format(**values)
            with translation.override("fr"):
                assert said_text(given) != given

    def test_what_the_loop_said_is_kept_with_its_values(self, blog: Site) -> None:
        happens_next = Sentence.of(
            "loop.old_serves", "Generation {old} serves, {n} fails: {why}", old=1, n=2, why="Why."
        )
        made = plan.Plan({}, {blog.site_id: plan.Stalled(happens_next)}, ())
        record_seen({}, made)
        blog.refresh_from_db()
        assert blog.happens_next == "Generation 1 serves, 2 fails: Why."
        with translation.override("fr"):
            assert said_text(blog.happens_next).startswith("La génération 1 sert encore, car la génération 2 échoue")
        record_seen({}, plan.Plan({}, {blog.site_id: plan.Stalled("What only a program says.")}, ()))
        blog.refresh_from_db()
        with translation.override("fr"):
            assert said_text(blog.happens_next) == "What only a program says."


def test_a_site_is_exported_from_its_page(browser: Browser, blog: Site, reconcile: Any, memory: Any) -> None:
    export = f"/console/sites/site/{blog.pk}/archive/"
    refused = browser.post(export, follow=True, headers={"Accept-Language": "fr"}).content.decode()
    assert "[site.not_running]" in refused
    reconcile()
    memory.commands["export"] = lambda arguments: (0, ["\x1f\x8barchive"])
    assert b"Export site" in browser.get(f"/console/sites/site/{blog.pk}/change/").content
    assert browser.get(export).status_code == 302
    answer = browser.post(export)
    assert answer["Content-Disposition"] == 'attachment; filename="acme-blog.tar.gz"'
    assert answer.getvalue() == b"\x1f\x8barchive\n"
    assert b"Your export holds nothing of" not in browser.get(f"/console/sites/site/{blog.pk}/change/").content
    Residency.objects.create(site=blog, atom="newsletter", where="client")
    page = browser.get(f"/console/sites/site/{blog.pk}/change/").content.decode()
    assert "Your export holds nothing of what the client keeps on its own servers (newsletter)" in page
