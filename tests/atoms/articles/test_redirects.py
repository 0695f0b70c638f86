"""Old addresses: they lead on in one step, tell nobody of what he may not read, and never go round."""

from __future__ import annotations

import pytest
from wagtail.contrib.redirects.models import Redirect


@pytest.fixture
def rename(django_capture_on_commit_callbacks):
    """``rename(article, "slug")`` as an editor does it; Wagtail notes the old address after the commit."""

    def change(article, slug: str):
        article.slug = slug
        with django_capture_on_commit_callbacks(execute=True):
            article.save_revision().publish()
        article.refresh_from_db()
        return article

    return change


def test_an_old_address_leads_to_the_new_one_for_good(make, web, rename) -> None:
    rename(make("First", slug="one"), "two")
    answer = web.get("/one/")
    assert (answer.status_code, answer["Location"]) == (301, "/two/")
    assert web.get("/one").status_code == 301
    assert web.get("/one/?from=mail")["Location"] == "/two/"
    assert answer["Cache-Control"] == "public, max-age=300"


def test_many_changes_are_one_step(make, web, rename) -> None:
    article = make("First", slug="one")
    for slug in ("two", "three", "four"):
        rename(article, slug)
    for old in ("one", "two", "three"):
        assert web.get(f"/{old}/")["Location"] == "/four/"


def test_an_address_that_was_taken_back_is_the_article_again(make, web, rename) -> None:
    article = make("First", slug="one")
    rename(article, "two")
    rename(article, "one")
    assert web.get("/one/").status_code == 200
    assert web.get("/two/")["Location"] == "/one/"


def test_an_article_that_is_gone_sends_nobody_round(make, web, rename) -> None:
    article = make("First", slug="one")
    rename(article, "two")
    rename(article, "one")
    article.unpublish()
    assert web.get("/one/").status_code == web.get("/two/").status_code == 404


def test_other_languages_keep_their_prefix(home, make, web, rename) -> None:
    french = home.get_translations().get(locale__language_code="fr").specific
    rename(make("Marée", slug="un", parent=french, locale=french.locale), "deux")
    assert web.get("/fr/un/")["Location"] == "/fr/deux/"
    assert web.get("/un/").status_code == 404


@pytest.mark.requirement("P1")
@pytest.mark.parametrize(("visibility", "anonymous", "member", "editor"), [
    ("public", 301, 301, 301), ("private", 404, 301, 301), ("archived", 404, 404, 301),
])  # fmt: skip
def test_an_old_address_tells_only_who_may_read(
    make, web, member_web, editor_web, rename, visibility, anonymous, member, editor
) -> None:
    rename(make("Secret", slug="old-name", visibility=visibility), "very-secret-name")
    for client, status in ((web, anonymous), (member_web, member), (editor_web, editor)):
        answer = client.get("/old-name/")
        assert answer.status_code == status
        assert ("very-secret-name" in str(answer.headers) + answer.content.decode()) == (status == 301)
    if member == 301:
        assert member_web.get("/old-name/")["Cache-Control"] == "private, no-store"
        assert "Cookie" in member_web.get("/old-name/")["Vary"]


@pytest.mark.requirement("P1")
def test_the_old_address_of_a_draft_tells_nothing(make, web, editor_web, rename) -> None:
    article = make("Draft", slug="old-name", live=False)
    article.slug = "very-secret-name"
    article.save()
    for client in (web, editor_web):
        assert client.get("/old-name/").status_code == 404


def test_a_page_with_a_password_keeps_its_address_to_itself(home, web) -> None:
    from wagtail.models import PageViewRestriction

    from webstreet.atoms.pages.models import StandardPage

    page = home.add_child(instance=StandardPage(title="Board", slug="board"))
    PageViewRestriction.objects.create(page=page, restriction_type="password", password="x")
    Redirect.add_redirect("/old-board/", page)
    assert web.get("/old-board/").status_code == 404


def test_redirects_written_by_hand(home, make, web) -> None:
    Redirect.add_redirect("/shop/", "https://shop.example.com/", is_permanent=False)
    answer = web.get("/shop/")
    assert (answer.status_code, answer["Location"]) == (302, "https://shop.example.com/")
    for old, new in (("/a/", "/b/"), ("/b/", "/c/"), ("/c/", "/a/"), ("/self/", "/self/")):
        Redirect.add_redirect(old, f"https://blog.example.com{new}")
    for old in ("/a/", "/b/", "/c/", "/self/"):
        assert web.get(old).status_code == 404, old
    Redirect.add_redirect("/x/", "https://blog.example.com/y/")
    make("Y", slug="y")
    assert web.get("/x/").status_code == 301


def test_what_was_removed_at_an_address_is_forgotten_when_another_article_had_it(make, web, rename) -> None:
    make("First", slug="one").delete()
    assert web.get("/one/").status_code == 410
    second = make("Second", slug="one")
    assert web.get("/one/").status_code == 200
    rename(second, "two")
    assert web.get("/one/")["Location"] == "/two/"


def test_only_reading_is_led_on(make, web, rename) -> None:
    rename(make("First", slug="one"), "two")
    assert web.post("/one/").status_code == 404
    assert web.head("/one/").status_code == 301


def test_no_page_may_have_an_address_of_the_site(home) -> None:
    from django.core.exceptions import ValidationError

    from webstreet.atoms.articles.models import Article, ReadingList
    from webstreet.atoms.pages.models import StandardPage
    from webstreet.engine.addresses import reserved_slugs

    reserved = reserved_slugs()
    assert {
        "admin",
        "api",
        "documents",
        "en",
        "feed",
        "fr",
        "media",
        "newsletter",
        "search",
        "static",
        "tags",
        "authors",
        "theme",
        "-",
    } <= reserved
    for kind in (Article, ReadingList, StandardPage):
        for slug in reserved - {"-"}:
            with pytest.raises(ValidationError, match="belongs to the site itself"):
                home.add_child(instance=kind(title="x", slug=slug))
