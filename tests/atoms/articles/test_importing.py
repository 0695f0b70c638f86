"""Imports: the same source twice changes nothing, editors win, nobody is told."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from webstreet.atoms.articles.importing import paragraphs
from webstreet.engine import hooks
from webstreet.engine.announcements import FirstPublic
from webstreet.engine.imports import ArticleRecord, ImportContext

WHEN = dt.datetime(2023, 3, 6, 7, 45, 12, tzinfo=dt.UTC)
RECORDS = [
    ArticleRecord(
        "1", "Trois cœurs", "Un.\r\n\r\nDeux <b>gras</b> <script>alert(1)</script>\nligne", "public", WHEN, 10
    ),
    ArticleRecord("2", "Privé", "Texte", "private", WHEN, 11),
    ArticleRecord("3", "Vieux", "Texte", "archived", WHEN, 12),
    ArticleRecord("4", "Brouillon", "Texte", "draft", WHEN, 13),
    ArticleRecord("5", "Trois cœurs", "", "public", WHEN, 14),
]


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("one\n\ntwo", "<p>one</p><p>two</p>"),
        ("one\r\ntwo", "<p>one<br/>two</p>"),
        ("a < b & c", "<p>a &lt; b &amp; c</p>"),
        ("x <img src=x onerror=alert(1)> <a href='javascript:alert(1)'>y</a>", "<p>x  <a>y</a></p>"),
        ("\n \n", ""),
    ],
)
def test_paragraphs(text: str, markup: str) -> None:
    assert paragraphs(text) == markup


def run(records=RECORDS):
    context = ImportContext("crispy-octo")
    hooks.call("import_articles", iter(records), context)
    return context.finish([])


@pytest.fixture
def article(home):
    from webstreet.atoms.articles.models import Article

    return lambda key: Article.objects.get(source="crispy-octo", external_id=key)


@pytest.mark.requirement("P1")
def test_statuses_dates_and_text_are_kept(article, web) -> None:
    report = run()
    assert report.created == {"articles": 5}
    assert [(article(k).live, article(k).visibility) for k in "1234"] == [
        (True, "public"), (True, "private"), (True, "archived"), (False, "public"),
    ]  # fmt: skip
    assert article("1").published_at == WHEN
    assert [article(k).slug for k in "15"] == ["trois-coeurs", "trois-coeurs-2"]
    page = web.get("/trois-coeurs/").content.decode()
    assert "<p>Un.</p>" in page
    assert "<script>alert" not in page
    assert web.get("/prive/").status_code == 404
    assert "/trois-coeurs/" in web.get("/search/?q=coeurs").content.decode()


def test_nobody_is_told(article) -> None:
    from django_tasks_db.models import DBTaskResult

    run()
    assert DBTaskResult.objects.filter(task_path__contains="hand_over").count() == 0
    assert not FirstPublic.objects.filter(suppressed=False).exists()
    back = article("3")
    back.visibility = "public"
    back.save_revision().publish()
    assert not FirstPublic.objects.filter(suppressed=False).exists()


def test_the_same_again_changes_nothing(article) -> None:
    run()
    before = {k: (article(k).pk, article(k).last_published_at, article(k).latest_revision_id) for k in "12345"}
    report = run()
    assert (report.created, report.updated, report.unchanged) == ({}, {}, {"articles": 5})
    assert before == {k: (article(k).pk, article(k).last_published_at, article(k).latest_revision_id) for k in "12345"}


def test_only_what_changed_there_is_updated(article, web) -> None:
    run()
    changed = dataclasses.replace(RECORDS[0], body="Neuf.", status="private")
    report = run([changed, *RECORDS[1:]])
    assert (report.updated, report.unchanged) == ({"articles": 1}, {"articles": 4})
    assert article("1").visibility == "private"
    assert "Neuf." in article("1").body_text
    assert run([changed, *RECORDS[1:]]).unchanged == {"articles": 5}


def test_what_an_editor_changed_stays(article) -> None:
    run()
    edited = article("1").get_latest_revision_as_object()
    edited.title = "Mon titre"
    edited.save_revision().publish()
    drafted = article("2").get_latest_revision_as_object()
    drafted.title = "Brouillon en cours"
    drafted.save_revision()
    changed = [dataclasses.replace(record, body="Autre.") for record in RECORDS]
    report = run(changed)
    assert (report.updated, report.unchanged) == ({"articles": 3}, {"articles": 2})
    assert article("1").title == "Mon titre"
    assert article("2").title == "Privé"
