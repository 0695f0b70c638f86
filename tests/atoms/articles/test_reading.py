"""What leads from one article to others: related articles, reading lists, neighbours; and what pages say to machines."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from webstreet.atoms.articles.visibility import Viewer


def linked_data(page: str) -> list[dict[str, Any]]:
    (text,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.S)
    found = json.loads(text)
    assert found["@context"] == "https://schema.org"
    return found["@graph"]


def of_type(page: str, kind: str) -> dict[str, Any]:
    (found,) = [entry for entry in linked_data(page) if entry["@type"] == kind]
    return found


@pytest.fixture
def reading_list(home):
    from webstreet.atoms.articles.models import ReadingList, ReadingListEntry

    def make_list(*articles, title: str = "To begin with", **fields):
        made = ReadingList(title=title, **fields)
        made.entries = [ReadingListEntry(article=article) for article in articles]
        home.add_child(instance=made)
        return made

    return make_list


# -- Neighbours --------------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_what_is_remembered_of_the_articles_around_holds_until_one_changes(make, client) -> None:
    here = make("Here", tags=("a",))
    newer, hidden = make("Newer", tags=("a",)), make("Hidden", visibility="private", tags=("a",))

    def seen() -> set[str]:
        # A query that the page cache does not know: the page is made each time.
        page = client.get(here.url, {"uncached": "1"}).content.decode()
        return {title for title in ("Newer", "Hidden", "Renamed") if title in page}

    assert seen() == seen() == {"Newer"}
    newer.title = "Renamed"
    newer.save_revision().publish()
    assert seen() == seen() == {"Renamed"}
    hidden.visibility = "public"
    hidden.save_revision().publish()
    assert seen() == {"Renamed", "Hidden"}
    newer.unpublish()
    assert seen() == {"Hidden"}


# -- Related ---------------------------------------------------------------------------------------------------------
def test_related_articles_share_tags_most_first_then_the_newest(make) -> None:
    here = make("Here", tags=("a", "b", "c"))
    one_old, one_new = make("One, old", tags=("a",)), make("One, new", tags=("b", "x"))
    two = make("Two", tags=("a", "b"))
    make("None", tags=("z",))
    assert here.related(Viewer.ANONYMOUS) == [two, one_new, one_old]
    assert make("Bare").related(Viewer.ANONYMOUS) == []


def test_related_articles_keep_to_the_language_and_the_number(home, make, settings, monkeypatch) -> None:
    french = home.get_translations().get(locale__language_code="fr").specific
    here = make("Here", tags=("a",))
    make("Ici", tags=("a",), parent=french, locale=french.locale)
    for n in range(5):
        make(f"There {n}", tags=("a",))
    assert [a.title for a in here.related(Viewer.ANONYMOUS)] == ["There 4", "There 3", "There 2"]
    monkeypatch.setitem(settings.WEBSTREET_SITE.atoms, "articles", {"related": 0})
    assert here.related(Viewer.ANONYMOUS) == []


@pytest.mark.requirement("P1")
def test_related_articles_are_those_the_reader_may_find(make, web, member_web, editor_web) -> None:
    here = make("Here", tags=("a",))
    for visibility in ("public", "private", "archived"):
        make(f"Zyx {visibility}", tags=("a",), visibility=visibility)
    make("Zyx draft", tags=("a",), live=False)
    titles = {}
    for who, client in (("anonymous", web), ("member", member_web), ("editor", editor_web)):
        section = re.search(
            r'<section class="related.*?</section>', client.get(here.url).content.decode(), re.S
        ).group()
        titles[who] = set(re.findall(r"Zyx (\w+)", section))
    assert titles == {"anonymous": {"public"}, "member": {"public", "private"}, "editor": {"public", "private"}}


@pytest.mark.parametrize("address", ["/here/", "/", "/tags/a/", "/search/?q=here", "/feed/"])
def test_a_page_asks_the_database_as_often_with_few_as_with_many(make, web, address: str) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    make("Here", tags=("a", "b"))
    make("There", tags=("a",))

    def asked() -> int:
        assert web.get(address).status_code == 200
        with CaptureQueriesContext(connection) as queries:
            web.get(address)
        return len(queries)

    few = asked()
    for n in range(4):
        make(f"More {n}", tags=("a", "b"))
    assert asked() == few


# -- Reading lists ---------------------------------------------------------------------------------------------------
def test_a_reading_list_shows_its_articles_in_its_order(make, web, reading_list) -> None:
    one, two, three = (make(title) for title in ("One", "Two", "Three"))
    reading_list(three, one, two, one, slug="begin", intro="Why these.")
    page = web.get("/begin/").content.decode()
    assert re.findall(r'<h2><a href="/(\w+)/">', page) == ["three", "one", "two"]
    assert "Why these." in page
    assert "https://blog.example.com/begin/" in web.get("/sitemap.xml").content.decode()
    assert '<a href="/begin/" dir="auto">To begin with</a>' in web.get(one.url).content.decode()


def test_an_article_names_only_lists_that_everybody_may_read(make, web, editor_web, reading_list) -> None:
    article = make("One")
    reading_list(article, title="Zyx draft", live=False)
    for client in (web, editor_web):
        assert "Zyx" not in client.get(article.url).content.decode()


@pytest.mark.requirement("P1")
def test_a_reading_list_shows_each_reader_what_he_may_find(make, web, member_web, editor_web, reading_list) -> None:
    articles = [make(f"Zyx {v}", visibility=v) for v in ("public", "private", "archived")] + [
        make("Zyx draft", live=False)
    ]
    reading_list(*articles, slug="begin")
    for client, seen in ((web, {"public"}), (member_web, {"public", "private"}), (editor_web, {"public", "private"})):
        assert set(re.findall(r"Zyx (\w+)", client.get("/begin/").content.decode())) == seen
    assert member_web.get("/begin/")["Cache-Control"] == "private, no-store"
    # Machines are told what everybody may read, whoever asks.
    items = of_type(member_web.get("/begin/").content.decode(), "CollectionPage")["mainEntity"]["itemListElement"]
    assert [item["name"] for item in items] == ["Zyx public"]


def test_a_reading_list_whose_articles_went_says_so(make, web, reading_list) -> None:
    article = make("One")
    reading_list(article, slug="begin")
    article.delete()
    assert "nothing to read in this list yet" in web.get("/begin/").content.decode()


def test_an_editor_makes_a_reading_list(home, make, editor_web) -> None:
    from wagtail.test.utils.form_data import inline_formset, nested_form_data

    from webstreet.atoms.articles.models import ReadingList

    article = make("One")
    data = nested_form_data({
        "title": "Begin", "slug": "begin", "intro": "", "seo_title": "", "search_description": "", "go_live_at": "", "expire_at": "",
        "entries": inline_formset([{"article": str(article.pk)}]), "action-publish": "1",
        "comments": inline_formset([]), "comment_notifications": "",
    })  # fmt: skip
    answer = editor_web.post(f"/admin/pages/add/articles/readinglist/{home.pk}/", data)
    assert answer.status_code == 302, re.findall(r"error-message[^<]*<[^>]*>[^<]*", answer.content.decode())
    assert ReadingList.objects.get(slug="begin").articles(Viewer.ANONYMOUS) == [article]


# -- For machines ----------------------------------------------------------------------------------------------------
def test_an_article_describes_itself(make, web, picture) -> None:
    from webstreet.atoms.articles.models import Author

    maud = Author.objects.create(name="Maud", slug="maud")
    article = make(
        "A </script><b>title</b> & more",
        slug="one",
        intro="In short.",
        authors=(maud,),
        tags=("sea",),
        cover=picture("c"),
    )
    page = web.get("/one/").content.decode()
    assert page.count("</script>") == 1
    posting = of_type(page, "BlogPosting")
    assert posting["headline"] == "A </script><b>title</b> & more"
    assert posting["description"] == "In short."
    assert posting["author"] == [{"@type": "Person", "name": "Maud", "url": "https://blog.example.com/authors/maud/"}]
    assert posting["keywords"] == ["sea"]
    assert posting["mainEntityOfPage"] == "https://blog.example.com/one/"
    assert posting["datePublished"] == article.published_at.isoformat()
    assert posting["image"][0].startswith("https://blog.example.com/media/")
    steps = of_type(page, "BreadcrumbList")["itemListElement"]
    assert [(s["position"], s["item"]) for s in steps] == [
        (1, "https://blog.example.com/"),
        (2, "https://blog.example.com/one/"),
    ]
    ids = {entry["@id"] for entry in linked_data(page) if "@id" in entry}
    assert posting["publisher"]["@id"] in ids


def test_the_home_page_describes_the_site(make, web) -> None:
    make("One")
    page = web.get("/").content.decode()
    assert of_type(page, "WebSite")["publisher"]["@id"] == of_type(page, "Organization")["@id"]


@pytest.mark.requirement("P1")
@pytest.mark.parametrize("visibility", ["private", "archived"])
def test_an_article_that_not_everybody_may_read_is_not_described(make, editor_web, visibility) -> None:
    make("Hidden", slug="hidden", visibility=visibility)
    answer = editor_web.get("/hidden/")
    assert answer.status_code == 200
    assert "ld+json" not in answer.content.decode()


# -- Schedule --------------------------------------------------------------------------------------------------------
def test_a_schedule_is_kept_and_shown_in_the_editor(
    home, make, web, editor_web, django_capture_on_commit_callbacks
) -> None:
    import datetime as dt

    from django.utils import timezone

    from webstreet.engine.ticks import publish_scheduled

    article = make("Later", slug="later", live=False)
    article.go_live_at = timezone.now() + dt.timedelta(hours=1)
    article.expire_at = timezone.now() + dt.timedelta(hours=2)
    article.save_revision().publish()
    assert web.get("/later/").status_code == 404
    assert "later" not in web.get("/sitemap.xml").content.decode() + web.get("/feed/").content.decode()
    page = editor_web.get(f"/admin/pages/{article.pk}/edit/").content.decode()
    assert "go_live_at" in page
    assert "expire_at" in page
    article.refresh_from_db()
    revision = article.scheduled_revision
    revision.approved_go_live_at = timezone.now() - dt.timedelta(seconds=1)
    revision.content["go_live_at"] = revision.approved_go_live_at.isoformat()
    revision.save()
    publish_scheduled()
    assert web.get("/later/").status_code == 200
    type(article).objects.filter(pk=article.pk).update(expire_at=timezone.now() - dt.timedelta(seconds=1))
    publish_scheduled()
    assert web.get("/later/").status_code == 404
    article.refresh_from_db()
    assert article.expired


def test_an_article_that_was_imported_stays_while_a_change_of_it_waits(home, make, web, editor_web) -> None:
    import datetime as dt

    from django.utils import timezone

    for page in (make("As imported", slug="imported"), home):
        assert page.live_revision is None
        page.title, page.go_live_at = "Later", timezone.now() + dt.timedelta(hours=1)
        page.save_revision().publish()
        page.refresh_from_db()
        assert page.live
        assert page.revisions.count() == 2
    assert "As imported" in web.get("/imported/").content.decode()
