"""Feeds and the sitemap are valid XML and say what everybody may read."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from wagtail.rich_text import RichText

ATOM = "{http://www.w3.org/2005/Atom}"
pytestmark = pytest.mark.django_db


def test_rss(make, web, picture) -> None:
    body = [
        ("text", RichText('<p>See <a href="/about/">this</a> & that</p><script>alert(1)</script>')),
        ("image", {"image": picture("inline"), "caption": "C", "wide": False}),
    ]
    article = make("One & two", body=body, tags=("tide",))
    response = web.get("/feed/")
    assert response["Content-Type"].startswith("application/rss+xml")
    channel = ElementTree.fromstring(response.content).find("channel")
    item = channel.find("item")
    assert item.findtext("title") == "One & two"
    assert item.findtext("link") == "https://blog.example.com/one-two/"
    assert item.findtext("guid") == f"urn:uuid:{article.uuid}"
    assert item.findtext("category") == "tide"
    content = item.findtext("description")
    assert 'href="https://blog.example.com/about/"' in content
    assert 'src="https://blog.example.com/media/' in content
    assert "<script" not in content


def test_atom(make, web) -> None:
    article = make("First")
    root = ElementTree.fromstring(web.get("/feed/atom/").content)
    entry = root.find(f"{ATOM}entry")
    assert entry.findtext(f"{ATOM}id") == f"urn:uuid:{article.uuid}"
    assert root.find(f"{ATOM}link[@rel='self']").get("href") == "https://blog.example.com/feed/atom/"
    assert entry.findtext(f"{ATOM}published")


def test_feeds_of_an_empty_site_are_valid(home, web) -> None:
    for url in ("/feed/", "/feed/atom/", "/fr/feed/", "/sitemap.xml"):
        ElementTree.fromstring(web.get(url).content)


def test_sitemap_names_articles_pages_and_homes_of_every_language(make, web) -> None:
    make("Listed")
    root = ElementTree.fromstring(web.get("/sitemap.xml").content)
    found = {e.text for e in root.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")}
    base = "https://blog.example.com"
    assert {f"{base}/", f"{base}/fr/", f"{base}/listed/", f"{base}/about/", f"{base}/fr/about/"} <= found


def test_robots_name_the_sitemap(home, web) -> None:
    assert "Sitemap: https://blog.example.com/sitemap.xml" in web.get("/robots.txt").content.decode()


def test_pages_say_where_the_feeds_are(home, web) -> None:
    page = web.get("/fr/").content.decode()
    assert 'type="application/rss+xml"' in page
    assert 'href="/fr/feed/atom/"' in page
