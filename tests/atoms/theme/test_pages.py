"""Every page is valid HTML, small, without script or foreign request, in the reader's language."""

from __future__ import annotations

import gzip
import itertools
import re
from pathlib import Path

import html5lib
import pytest
from django.contrib.staticfiles import finders
from django.test import RequestFactory

from webstreet.engine import errors
from webstreet.engine.theme import accents, stylesheet

pytestmark = pytest.mark.django_db
PAGE_MAX = 60_000


def checked(page: str) -> str:
    """Parsed strictly: any error of the HTML standard raises."""
    html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)
    return page


def test_every_page_is_valid_and_asks_nobody_else(publication, web) -> None:
    for name, url in publication.items():
        page = checked(web.get(url).content.decode())
        assert page.count("<h1") == 1, name
        assert 'class="skip" href="#main"' in page, name
        assert not re.search(r"<script(?! type=\"application/ld\+json\">)", page), name
        assert not re.search(r"<[^>]+ (?:style|on\w+)=", page), name
        assert not re.search(
            r'<(?:img|link rel="(?:stylesheet|preload|icon)"|source|iframe)[^>]+(?:src|href)="(?:https?:)?//', page
        ), name
        levels = [int(level) for level in re.findall(r"<h([1-6])", page)]
        assert all(b <= a + 1 for a, b in itertools.pairwise(levels)), (name, levels)
        ids = re.findall(r' id="([^"]+)"', page)
        assert len(ids) == len(set(ids)), name


def test_an_article_weighs_less_than_60_kb_with_everything_it_needs(publication, web) -> None:
    page = gzip.compress(web.get(publication["article"]).content)
    fonts = sum(Path(finders.find(path)).stat().st_size for path in stylesheet.FONTS.values())
    assert len(page) + len(stylesheet.build(accents.of_site()).compressed) + fonts < PAGE_MAX


def test_pages_speak_the_language_of_their_address(publication, web) -> None:
    english, french = web.get("/nothing-here/"), web.get("/fr/rien/")
    assert english.status_code == french.status_code == 404
    assert '<html lang="en"' in english.content.decode()
    page = french.content.decode()
    assert '<html lang="fr"' in page
    assert "Il n’y a pas de page à cette adresse" in page
    assert "Aller au contenu" in page
    assert "Main menu" not in page
    assert 'lang="fr" hreflang="fr">Français</a>' in web.get("/").content.decode()


def test_an_anonymous_page_sets_no_cookie(publication, web) -> None:
    for url in publication.values():
        assert not web.get(url).cookies


def test_message_pages(publication, rf) -> None:
    request = rf.get("/", HTTP_HOST="blog.example.com")
    shown = errors.message(
        request, 403, "Check your mail", "Two <b>.", action_url="/", action_label="Read on", code="mail.sent"
    )
    page = checked(shown.content.decode())
    for part in (
        '<h1 dir="auto">Check your mail</h1>',
        "<p>Two &lt;b&gt;.</p>",
        '<a class="button" href="/">Read on</a>',
        "mail.sent",
    ):
        assert part in page
    for view, status in (
        (errors.page_not_found, 404),
        (errors.gone, 410),
        (errors.server_error, 500),
        (errors.store_down, 503),
    ):
        response = view(request)
        assert response.status_code == status
        page = checked(response.content.decode())
        assert 'class="message"' in page
        assert "theme/paper." in page


@pytest.mark.parametrize(
    ("given", "paragraphs"), [({}, 0), ({"text": "One."}, 1), ({"text": ["One.", "Two."], "message": "Three."}, 3)]
)
def test_a_message_page_shows_what_it_is_given(rf, given, paragraphs) -> None:
    from django.template.loader import render_to_string

    page = checked(
        render_to_string("theme/message.html", {"title": "Read", **given}, rf.get("/", HTTP_HOST="blog.example.com"))
    )
    main = page[page.index("<main") : page.index("</main>")]
    assert main.count("<p>") == paragraphs


def test_the_pages_for_what_broke_ask_no_database(django_assert_num_queries) -> None:
    request = RequestFactory().get("/")
    with django_assert_num_queries(0):
        errors.server_error(request)
        errors.store_down(request)


def test_a_field_names_its_help_and_its_error() -> None:
    from django import forms
    from django.template.loader import render_to_string

    class Form(forms.Form):
        email = forms.EmailField(label="Address", help_text="We write once a week.")
        agree = forms.BooleanField(label="I agree")

    form = Form({"email": "nonsense"})
    page = "".join(render_to_string("theme/includes/field.html", {"field": field}) for field in form)
    checked(f"<!doctype html><html><head><title>x</title></head><body>{page}</body></html>")
    assert 'aria-invalid="true"' in page
    described = re.search(r'aria-describedby="([^"]+)"', page).group(1).split()
    assert all(f'id="{key}"' in page for key in described)
    assert 'class="field check"' in page
