"""The leak matrix: whoever may not read an article does not find it anywhere, even after an editor has seen everything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.urls import URLPattern, URLResolver, get_resolver
from wagtail.documents import get_document_model
from wagtail.rich_text import RichText

PRIVATE, ARCHIVED, DRAFT = "zyxprivate", "zyxarchived", "zyxdraft"
WORDS = {"private": PRIVATE, "archived": ARCHIVED, "draft": DRAFT}


@pytest.fixture
def world(home, make, picture) -> dict[str, Any]:
    """A public article, and three hidden ones, each with a word, two images, a document, a tag and an author of its own."""
    from webstreet.atoms.articles.models import Author, ReadingList, ReadingListEntry

    found: dict[str, Any] = {}
    shared = picture("shared")
    for kind, word in WORDS.items():
        image, inline = picture(f"cover-{kind}"), picture(f"inline-{kind}")
        document = get_document_model().objects.create(
            title=word, file=ContentFile(word.encode(), name=f"paper-{kind}.txt")
        )
        author = Author.objects.create(name=f"Author {word}", slug=f"author-{kind}")
        text = f'<p>{word} <a linktype="document" id="{document.pk}">paper</a></p>'
        article = make(
            f"Title {word}",
            body=[("text", RichText(text)), ("image", {"image": inline, "caption": word, "wide": False})],
            slug=f"hidden-{kind}",
            intro=f"Intro {word}",
            cover=image,
            cover_alt=f"Alt {word}",
            tags=(f"tag{word}", "open"),
            authors=(author,),
            visibility=kind if kind != "draft" else "public",
            live=kind != "draft",
        )
        found[kind] = {"article": article, "image": image, "inline": inline, "document": document, "author": author}
    links = "".join(f'<a linktype="page" id="{part["article"].pk}">see</a>' for part in found.values())
    pages = [part["article"] for part in found.values()]
    found["public"] = make(
        "Public title",
        body=[("text", RichText(f"<p>open {links}</p>")), ("page_links", {"title": "More", "pages": pages})],
        cover=shared,
        tags=("open",),
    )
    found["shared"] = shared
    for kind in WORDS:  # renamed, so that an old address leads to each
        article = found[kind]["article"]
        article.slug = f"renamed-{kind}"
        article.save()
        article.slug = f"hidden-{kind}"
        article.save()
    shown = ReadingList(title="To begin with", slug="begin")
    shown.entries = [ReadingListEntry(article=article) for article in (*pages, found["public"])]
    home.add_child(instance=shown)
    return found


def file_urls(part: dict[str, Any]) -> list[str]:
    """Addresses of the files of one article: originals, what pages show of them, and the document by both its addresses."""
    urls = [part["document"].url, f"/media/{part['document'].file.name}"]
    for image in (part["image"], part["inline"]):
        for spec in ("width-480|format-webp", "width-800|format-webp", "fill-1200x630|format-jpeg", "max-165x165"):
            urls.append(image.get_rendition(spec).url)
        urls.append(image.file.url)
    return urls


def routes(patterns: list[Any], before: str = "") -> Iterator[str]:
    for pattern in patterns:
        text = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, text)
        elif isinstance(pattern, URLPattern):
            yield text


def addresses(world: dict[str, Any]) -> set[str]:
    """Every address of the URL map, its gaps filled with what names the hidden articles, and every file."""
    hidden = [world[kind] for kind in WORDS]
    numbers = [str(part["article"].pk) for part in hidden] + [str(part["document"].pk) for part in hidden]
    slugs = (
        [f"tagzyx{kind}" for kind in WORDS]
        + [part["author"].slug for part in hidden]
        + [part["article"].slug for part in hidden]
    )
    found = {
        "/begin/",
        *(f"/renamed-{kind}/" for kind in WORDS),
        "/",
        "/?page=2",
        "/fr/",
        "/search/?q=",
        "/sitemap.xml",
        "/feed/",
        "/feed/atom/",
    }
    for route in routes(get_resolver().url_patterns):
        route = re.sub(r"\^|\$|\\Z", "", route.replace("\\.", "."))
        gaps = re.findall(r"<[^>]+>", route)
        if "(" in route or len(gaps) > 2:
            continue
        choices = [
            numbers if re.match(r"<(?:int:|\w*pk|\w*id)", gap) or "int" in gap else slugs + numbers[:1] for gap in gaps
        ]
        for values in product(*choices):
            filled = route
            for gap, value in zip(gaps, values, strict=True):
                filled = filled.replace(gap, value, 1)
            found.add("/" + filled)
    for part in hidden:
        found |= {f"/{part['article'].slug}/", *file_urls(part)}
    return {url for url in found if not url.startswith(("/-/login", "/theme/"))}


def body(response: Any) -> str:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return content.decode("utf-8", "replace")


@pytest.mark.requirement("P1")
def test_an_anonymous_reader_finds_nothing_hidden_at_any_address(world, web, editor_web) -> None:
    urls = sorted(addresses(world))
    assert len(urls) > 300, "the URL map was not read"
    site_urls = [url for url in urls if not url.startswith("/admin/")]
    for url in site_urls:
        editor_web.get(url)
    locations = re.findall(r"<loc>https://blog.example.com([^<]*)</loc>", web.get("/sitemap.xml").content.decode())
    assert world["public"].url in locations
    for url in [*urls, *locations]:
        text = body(web.get(url)) + str(web.get(url).headers)
        for word in WORDS.values():
            # A tag's address holds its own name, and a page that says "not here" may repeat its address.
            assert word not in text.replace(url, "").replace(url.rstrip("/"), ""), f"{word} at {url}"


@pytest.mark.requirement("P1")
@pytest.mark.parametrize("kind", list(WORDS))
def test_pages_and_files_of_hidden_articles_are_404_for_anonymous_readers(world, web, editor_web, kind) -> None:
    part = world[kind]
    urls = [
        f"/hidden-{kind}/",
        f"/renamed-{kind}/",
        f"/tags/tag{WORDS[kind]}/",
        f"/authors/author-{kind}/",
        *file_urls(part),
    ]
    for url in urls:
        editor_web.get(url)
        assert web.get(url).status_code == 404, url


@pytest.mark.requirement("P1")
def test_members_see_private_articles_and_their_files_and_no_others(world, member_web) -> None:
    for url in ["/hidden-private/", f"/tags/tag{PRIVATE}/", "/authors/author-private/", *file_urls(world["private"])]:
        assert member_web.get(url).status_code == 200, url
    for kind in ("archived", "draft"):
        for url in [f"/hidden-{kind}/", *file_urls(world[kind])]:
            assert member_web.get(url).status_code == 404, url
    for url in ("/", "/begin/", world["public"].url):
        page = member_web.get(url).content.decode()
        assert PRIVATE in page, url
        assert ARCHIVED not in page, url


@pytest.mark.requirement("P1")
def test_editors_see_private_and_archived_articles(world, editor_web) -> None:
    for kind in ("private", "archived"):
        for url in [f"/hidden-{kind}/", *file_urls(world[kind])]:
            assert editor_web.get(url).status_code == 200, url
    assert "/hidden-archived/" in editor_web.get(f"/search/?q={ARCHIVED}").content.decode()
    assert editor_web.get("/hidden-draft/").status_code == 404


@pytest.mark.requirement("P1")
@pytest.mark.parametrize("word", WORDS.values())
def test_search_finds_nothing_hidden_for_anonymous_readers(world, web, word) -> None:
    for words in (word, f"Title {word}", word[:6], f"tag{word}"):
        text = web.get("/search/", {"q": words}).content.decode()
        assert "/hidden-" not in text
        assert f"Title {word}" not in text.replace(words, "")


def test_what_everybody_reads_is_not_in_the_way(world, web) -> None:
    response = web.get(world["public"].url)
    assert response.status_code == 200
    assert "hidden-" not in response.content.decode(), "a link tells of the address of a hidden article"
    for spec in ("width-480|format-webp", "fill-1200x630|format-jpeg"):
        assert web.get(world["shared"].get_rendition(spec).url).status_code == 200


def test_feeds_and_sitemap_are_the_same_for_editors(world, editor_web) -> None:
    for url in ("/feed/", "/feed/atom/", "/sitemap.xml"):
        text = editor_web.get(url).content.decode()
        assert not [word for word in WORDS.values() if word in text], url
        assert "hidden-" not in text


def test_an_image_follows_its_article(world, web) -> None:
    part = world["private"]
    url = part["image"].get_rendition("width-480|format-webp").url
    part["article"].visibility = "public"
    part["article"].save()
    assert web.get(url).status_code == 200
    part["article"].visibility = "private"
    part["article"].save()
    assert web.get(url).status_code == 404


def test_a_page_for_one_reader_is_kept_out_of_caches(world, web, member_web) -> None:
    assert member_web.get("/hidden-private/")["Cache-Control"] == "private, no-store"
    public = web.get(world["public"].url)
    assert "no-store" not in public.get("Cache-Control", "")
    assert "Cookie" in public["Vary"]
    assert not public.cookies


def test_wagtails_own_privacy_panel_is_hidden(world) -> None:
    assert world["public"].private_page_options == []
    assert world["public"].get_parent().specific.private_page_options == []
