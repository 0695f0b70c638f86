# ruff: noqa: S608 the SQL here is what is read, never what is run
"""Taking over crispy-octo's dump by the command itself, and refusing what is damaged with nothing done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from webstreet.engine import hooks
from webstreet.engine.imports import crispy_octo
from webstreet.engine.imports.mysqldump import DumpInvalid

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "crispy-octo.sql"
TABLES = """\
CREATE TABLE `articles` (`id` bigint, `title` varchar(255), `text` text, `status` int, `created_at` datetime, `updated_at` datetime);
CREATE TABLE `subscribers` (`id` bigint, `email` varchar(255), `created_at` datetime(6));
CREATE TABLE `schema_migrations` (`version` varchar(255));
INSERT INTO `schema_migrations` VALUES ('20200101');
"""


@pytest.fixture
def taken(monkeypatch):
    """What the hooks would have given to the atoms."""
    found: dict[str, list] = {"articles": [], "subscribers": []}

    def receiver(kind):
        def take(records, ctx):
            for record in records:
                found[kind].append(record)
                ctx.created(kind)

        return take

    monkeypatch.setattr(hooks, "_receivers", {f"import_{k}": [(0, 0, receiver(k))] for k in found})
    return found


def _run(tmp_path, text: str | bytes):
    path = tmp_path / "dump.sql"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return crispy_octo.run(path, lambda step, done, total: None)


@pytest.mark.requirement("P1")
@pytest.mark.django_db(databases=["default", "newsletter"])
def test_statuses_as_numbers_and_as_names(tmp_path, taken):
    rows = ",".join(
        f"({n},'t','b',{s},'2020-01-02 03:04:05','2020-01-02 03:04:05')"
        for n, s in enumerate(["0", "1", "2", "'public'", "'private'", "'archived'", "NULL", "'draft'", "9"])
    )
    report = _run(tmp_path, f"{TABLES}INSERT INTO `articles` VALUES {rows};")
    words = ["public", "private", "archived", "public", "private", "archived", "public", "draft"]
    assert [a.status for a in taken["articles"]] == words
    assert taken["articles"][0].published_at.isoformat() == "2020-01-02T03:04:05+00:00"
    assert [(r.line, "9" not in r.reason) for r in report.rejected] == [(5, True)]
    assert report.rejected[0].reason.endswith("(id 8)")
    assert report.ignored_tables == ["schema_migrations"]


@pytest.mark.django_db(databases=["default", "newsletter"])
def test_a_table_that_no_atom_takes_is_named(tmp_path, taken, monkeypatch):
    monkeypatch.delitem(hooks._receivers, "import_subscribers")
    report = _run(tmp_path, TABLES + "INSERT INTO subscribers VALUES (1,'a@example.org',NULL);")
    assert report.ignored_tables == ["schema_migrations", "subscribers"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("CREATE TABLE `posts` (`id` int);", "dump.no_tables"),
        (
            TABLES.replace("`text` text, ", "") + "INSERT INTO articles VALUES (1,'t',0,NULL,NULL);",
            "dump.column_missing",
        ),
        (
            TABLES + "INSERT INTO articles VALUES (1,'t','b',0,NULL,NULL);INSERT INTO subscribers VALUES (1,'a",
            "dump.truncated",
        ),
        (
            TABLES.encode() + "INSERT INTO subscribers VALUES (1,'é@example.org',NULL);".encode("latin-1"),
            "dump.encoding",
        ),
    ],
)
def test_a_damaged_dump_changes_nothing(tmp_path, taken, text, code):
    with pytest.raises(DumpInvalid) as caught:
        _run(tmp_path, text)
    assert caught.value.error_code == code
    assert taken == {"articles": [], "subscribers": []}


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(crispy_octo.ImportFileMissing) as caught:
        crispy_octo.run(tmp_path / "nowhere.sql", lambda *a: None)
    assert caught.value.error_code == "import.file"


@pytest.mark.requirement("P2")
def test_the_example_through_the_command_twice(site_processes):
    site = site_processes()
    site.documents("prepare")
    first = site.documents("import", "--from", "crispy-octo", str(EXAMPLE))
    assert {d["kind"] for d in first} == {"progress", "report"}
    report = first[-1]
    assert report["created"]["articles"] == 12
    assert report["created"]["subscribers"] == 38
    assert [r["line"] for r in report["rejected"]] == [183, 184]
    assert "@" not in json.dumps([r["reason"] for r in report["rejected"]]).replace("an @ and", "").replace(
        "name@example.org", ""
    ).replace("before the @", "")
    again = site.documents("import", "--from", "crispy-octo", str(EXAMPLE))[-1]
    assert (again["created"], again["updated"]) == ({}, {})
    assert again["unchanged"] == {"articles": 12, "subscribers": 38}


def test_a_refusal_through_the_command(site_processes, tmp_path):
    site = site_processes()
    site.documents("prepare")
    (tmp_path / "cut.sql").write_bytes(EXAMPLE.read_bytes()[:-2000])
    done = site.run("import", "--from", "crispy-octo", str(tmp_path / "cut.sql"))
    assert done.returncode == 1
    failure = json.loads(done.stdout.splitlines()[-1])
    assert (failure["kind"], failure["code"]) == ("failure", "dump.truncated")
    assert failure["problems"][0]["path"].startswith("line ")
    assert failure["problems"][0]["suggestion"]
    count = "from webstreet.atoms.articles.models import Article; from webstreet.atoms.newsletter.models.subscriber import Subscriber; "
    assert site.python(count + "print(Article.objects.count(), Subscriber.objects.count())").splitlines()[-1] == "0 0"
