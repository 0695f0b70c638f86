"""RSS 2.0 and Atom (RFC 4287) of what everybody may read, whoever asks."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.syndication.views import Feed
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed, Rss201rev2Feed
from django.utils.translation import get_language, gettext

from webstreet.atoms.articles.announcement import body_html
from webstreet.atoms.articles.models import Article
from webstreet.atoms.articles.visibility import Viewer
from webstreet.engine import site as this_site

MAX_AGE_S = 300


class _Articles(Feed):
    address = ""

    def __call__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().__call__(request, *args, **kwargs)
        response["Cache-Control"] = f"public, max-age={MAX_AGE_S}"
        return response

    def title(self) -> str:
        return this_site.current().title

    def description(self) -> str:
        return gettext("Articles of %(site)s") % {"site": this_site.current().title}

    subtitle = description

    def link(self) -> str:
        return this_site.absolute("/")

    def feed_url(self) -> str:
        return this_site.absolute(reverse(self.address))

    def language(self) -> str:
        return get_language() or this_site.current().languages[0]

    def items(self) -> list[Article]:
        newest = Article.objects.newest(Viewer.ANONYMOUS).prefetch_related("authors", "tags")
        if len(this_site.current().languages) > 1:
            newest = newest.filter(locale__language_code=get_language())
        return list(newest[: this_site.parameters("articles").feed_size])

    def item_title(self, item: Article) -> str:
        return str(item.title)

    def item_description(self, item: Article) -> str:
        if this_site.parameters("articles").feed_content == "intro":
            return item.excerpt
        return body_html(item)

    def item_link(self, item: Article) -> str:
        return str(item.full_url)

    def item_guid(self, item: Article) -> str:
        return f"urn:uuid:{item.uuid}"

    item_guid_is_permalink = False

    def item_pubdate(self, item: Article) -> dt.datetime | None:
        return item.published_at

    def item_updateddate(self, item: Article) -> dt.datetime | None:
        return item.last_published_at or item.published_at

    def item_author_name(self, item: Article) -> str:
        return item.author_names

    def item_categories(self, item: Article) -> list[str]:
        return [tag.name for tag in item.tags.all()]


class RssFeed(_Articles):
    feed_type = Rss201rev2Feed
    address = "articles-rss"


class AtomFeed(_Articles):
    feed_type = Atom1Feed
    address = "articles-atom"
