"""What pages say to machines: JSON-LD in the vocabulary of schema.org (JSON-LD 1.1, 7.3 "Embedding JSON-LD in HTML").

Only what everybody may read is described, whoever asks.
"""

from __future__ import annotations

import json
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from wagtail.models import Page

from webstreet.atoms.articles.models import Article
from webstreet.atoms.articles.reading_lists import ReadingList
from webstreet.atoms.articles.visibility import Viewer
from webstreet.engine import site as this_site

SHARED_IMAGE = "fill-1200x630|format-jpeg"
_ESCAPES = {ord(">"): "\\u003E", ord("<"): "\\u003C", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def of_home(page: Page) -> SafeString:
    """The site itself, and who publishes it."""
    site = {"@type": "WebSite", "@id": _id("website"), "url": _home_url(page), "name": this_site.current().title}
    about = page.search_description or getattr(page, "intro", "")
    languages = list(this_site.current().languages)
    return script(
        [
            {**site, **_given(description=about), "inLanguage": languages, "publisher": {"@id": _id("publisher")}},
            publisher(),
        ]
    )


def of_article(article: Article) -> SafeString:
    """Nothing for an article that not everybody may read."""
    return script([_posting(article), publisher(), _trail(article)]) if article.is_public else SafeString("")


def of_list(page: ReadingList) -> SafeString:
    items = [
        {"@type": "ListItem", "position": place, "url": article.full_url, "name": article.title}
        for place, article in enumerate(page.articles(Viewer.ANONYMOUS), 1)
    ]
    collection = {
        "@type": "CollectionPage", "@id": page.full_url, "url": page.full_url, "name": page.title,
        **_given(description=page.intro), "inLanguage": str(page.locale.language_code), "isPartOf": {"@id": _id("website")},
        "mainEntity": {"@type": "ItemList", "numberOfItems": len(items), "itemListElement": items},
    }  # fmt: skip
    return script([collection, _trail(page)])


def publisher() -> dict[str, Any]:
    return {
        "@type": "Organization", "@id": _id("publisher"), "name": this_site.current().title, "url": this_site.absolute("/"),
    }  # fmt: skip


def script(graph: list[dict[str, Any]]) -> SafeString:
    """A data block: no browser runs it, so no policy of the page has to allow it. What could end the element is escaped."""
    text = json.dumps({"@context": "https://schema.org", "@graph": graph}, ensure_ascii=False, separators=(",", ":"))
    return mark_safe(f'<script type="application/ld+json">{text.translate(_ESCAPES)}</script>')  # noqa: S308 escaped


def _posting(article: Article) -> dict[str, Any]:
    authors = [
        {"@type": "Person", "name": author.name, "url": this_site.absolute(author.get_absolute_url())}
        for author in article.shown_authors
    ] if this_site.parameters("articles").show_authors else []  # fmt: skip
    changed = article.last_published_at or article.published_at
    image = this_site.absolute(article.cover.get_rendition(SHARED_IMAGE).url) if article.cover else ""
    return {
        "@type": "BlogPosting",
        "@id": f"{article.full_url}#article",
        "mainEntityOfPage": article.full_url,
        "url": article.full_url,
        "headline": article.title,
        **_given(
            description=article.search_description or article.excerpt,
            image=[image] if image else None,
            datePublished=article.published_at and article.published_at.isoformat(),
            dateModified=changed and changed.isoformat(),
            author=authors,
            keywords=[tag.name for tag in article.shown_tags],
        ),
        "inLanguage": article.language,
        "timeRequired": f"PT{article.reading_minutes}M",
        "isPartOf": {"@id": _id("website")},
        "publisher": {"@id": _id("publisher")},
    }


def _trail(page: Page) -> dict[str, Any]:
    """From the home page of the page's language to the page."""
    steps = [(this_site.current().title, _home_url(page.get_parent().specific)), (page.title, page.full_url)]
    items = [
        {"@type": "ListItem", "position": place, "name": name, "item": url}
        for place, (name, url) in enumerate(steps, 1)
    ]
    return {"@type": "BreadcrumbList", "itemListElement": items}


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def _home_url(page: Page) -> str:
    return str(page.full_url or this_site.absolute("/"))


def _id(name: str) -> str:
    return this_site.absolute(f"/#{name}")
