from __future__ import annotations

import pytest
from django.test import Client


@pytest.fixture(autouse=True)
def files(settings, tmp_path) -> None:
    """Uploads of a test lie in its own folder."""
    settings.MEDIA_ROOT = str(tmp_path / "media")


@pytest.fixture
def web() -> Client:
    return Client(HTTP_HOST="blog.example.com")


@pytest.fixture
def publication(db: None):
    """A site with an article of every kind of block, a long title and two directions; the address of each page worth looking at."""
    from wagtail.models import Site
    from wagtail.rich_text import RichText

    from webstreet.atoms.articles.models import Article, Author
    from webstreet.contract.template import shipped_template
    from webstreet.engine import hooks
    from webstreet.engine import site as this_site

    hooks.call("starter_content", this_site.current(), shipped_template("publication"))
    home = Site.objects.get(is_default_site=True).root_page.specific
    french = home.get_translations().get(locale__language_code="fr").specific
    author = Author.objects.create(name="Maud Le Goff", slug="maud", bio="Keeps the tide tables.")
    paragraphs = "<p>An octopus has three hearts.</p>" * 12
    body = [
        (
            "text",
            RichText(
                f"<h2>Part</h2>{paragraphs}<h3>Detail</h3><ul><li>one</li><li>two</li></ul><blockquote>Said.</blockquote>"
            ),
        ),
        ("quote", {"text": "Nobody asked her.", "who": "Yann", "source": "https://example.com/"}),
        ("code", {"code": "if a < b:\n    pass", "caption": "A comparison"}),
        ("menu", {"title": "Where to go"}),
        ("heading", {"title": "Look", "text": "Here", "link": "https://example.com/", "link_text": "Look there"}),
        ("notice", {"text": RichText("<b>Note</b> this")}),
    ]
    for parent, title in (
        (home, "Three hearts"),
        (home, "A title that goes on, " * 8 + "Donaudampfschifffahrtsgesellschaftskapitänsmütze"),
        (home, "الأخطبوط له ثلاثة قلوب and more"),
        (french, "Trois cœurs"),
    ):
        article = Article(title=title, intro="What it is about.", body=body)
        article.tags.add("octopus")
        article.authors = [author]
        parent.add_child(instance=article)
    long = Article.objects.get(title__contains="Donau")
    return {
        "home": "/",
        "home in French": "/fr/",
        "article": "/three-hearts/",
        "article in French": "/fr/trois-coeurs/",
        "long title": long.url,
        "search": "/search/?q=hearts",
        "search without result": "/search/?q=xyzzy",
        "tag": "/tags/octopus/",
        "author": "/authors/maud/",
        "page": "/about/",
        "not found": "/nothing-here/",
        "not found in French": "/fr/rien/",
    }
