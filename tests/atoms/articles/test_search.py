"""Search folds accents by itself, so that every database gives the same answer."""

from __future__ import annotations

import datetime as dt

import pytest

from webstreet.atoms.articles.folding import fold, plain


def days_ago(days: float) -> dt.datetime:
    return dt.datetime.now(dt.UTC) - dt.timedelta(days=days)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Été", " ete "),
        ("L’Œuvre, l'ÂGE", " l oeuvre l age "),
        ("Straße ÆØŁ", " strasse aeol "),
        ("a\u0301 \ufb01n", " a fin "),
        ("snake_case-and 3,5", " snake case and 3 5 "),
        ("القلب", " القلب "),
        (" … ", ""),
    ],
)
def test_fold(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_plain_keeps_words_apart() -> None:
    assert plain("<p>one</p><p>t<b>wo</b> &amp; three<br/>four</p>") == "one two & three four"


@pytest.mark.django_db
@pytest.mark.requirement("P1")
@pytest.mark.parametrize("words", ["ete", "été", "ÉTÉ", "Et", "cœurs", "coeurs ete"])
def test_accents_case_and_ligatures_do_not_matter(make, web, words) -> None:
    make("L’été des trois cœurs", "<p>Rien.</p>")
    make("Complete", "<p>Not this one.</p>")
    page = web.get("/search/", {"q": words}).content.decode()
    assert "/l-ete-des-trois-coeurs/" in page
    assert 'href="/complete/"' not in page


@pytest.mark.django_db
def test_titles_come_first_then_the_newest(make, web) -> None:
    make("Tides in the text", "<p>harbour</p>", published_at=days_ago(1))
    make("Harbour", "<p>old</p>", published_at=days_ago(30))
    make("Nothing", "<p>harbour</p>", published_at=days_ago(2))
    page = web.get("/search/?q=harbour").content.decode()
    positions = [page.index(f'href="/{slug}/"') for slug in ("harbour", "tides-in-the-text", "nothing")]
    assert positions == sorted(positions)


@pytest.mark.django_db
def test_tags_authors_quotes_and_code_are_found(make, web) -> None:
    from webstreet.atoms.articles.models import Author

    make(
        "Plain",
        body=[
            ("quote", {"text": "marvellous", "who": "Kerbrat", "source": ""}),
            ("code", {"code": "frobnicate()", "caption": ""}),
        ],
        tags=("Poulpe",),
        authors=(Author.objects.create(name="Maud Le Goff", slug="maud"),),
    )
    for words in ("marvellous", "kerbrat", "frobnicate", "poulpe", "le goff maud"):
        assert 'href="/plain/"' in web.get("/search/", {"q": words}).content.decode(), words


@pytest.mark.django_db
@pytest.mark.parametrize(
    "words", ["", "   ", "%", "_", "'; DROP TABLE", "\0", "x" * 10_000, "<script>alert(1)</script>", "a " * 500]
)
def test_strange_searches_are_answered(make, web, words) -> None:
    make("Only one")
    response = web.get("/search/", {"q": words})
    assert response.status_code == 200
    assert "<script>alert" not in response.content.decode()


@pytest.mark.django_db
def test_a_changed_article_is_found_by_its_new_words_only(make, web) -> None:
    article = make("Before")
    article.title = "After"
    article.save_revision().publish()
    assert "/before/" in web.get("/search/?q=after").content.decode()
    assert 'href="/before/"' not in web.get("/search/?q=before").content.decode()


@pytest.mark.django_db
def test_a_network_that_searches_without_end_waits(make, web, monkeypatch) -> None:
    from webstreet.atoms.articles.views import SEARCHES

    make("Harbour", "<p>old</p>")
    monkeypatch.setattr(SEARCHES, "count", 20)
    monkeypatch.setattr(SEARCHES, "_clock", lambda: 6000.0)
    answers = [web.get("/search/", {"q": f"harbour {n}"}) for n in range(SEARCHES.count + 2)]
    assert {answer.status_code for answer in answers[: SEARCHES.count]} == {200}
    refused = answers[-1]
    assert (refused.status_code, refused["Retry-After"], refused["Cache-Control"]) == (429, "60", "no-store")
    assert "Wait a minute" in refused.content.decode()
    assert "/theme/" in refused.content.decode(), "the page is in the site's own dress"
    assert web.get("/search/").status_code == 200, "the form itself costs nothing"
    assert web.get("/search/", {"q": "harbour"}, REMOTE_ADDR="198.51.100.7").status_code == 200
    monkeypatch.setattr(SEARCHES, "_clock", lambda: 6060.0)
    assert web.get("/search/", {"q": "harbour"}).status_code == 200
