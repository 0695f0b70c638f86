"""Lists of articles by word, tag and author; the sitemap and robots.txt."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe
from taggit.models import Tag
from wagtail.models import Page

from webstreet.atoms.articles.models import Article, Author
from webstreet.atoms.articles.search import search as search_articles
from webstreet.atoms.articles.visibility import Viewer, Visibility, keep_apart
from webstreet.engine import pagecache
from webstreet.engine import site as this_site
from webstreet.engine.limits import PerNetwork, limited

QUERY_MAX = 200
SITEMAP_MAX = 50_000
SEARCHES = PerNetwork(120, 60)
"""No index helps a search for parts of words, so it costs more than any other page. A school behind one address stays below."""


def _listing(request: HttpRequest, template: str, found: Any, query: str = "", **context: Any) -> HttpResponse:
    paginator = Paginator(found, this_site.parameters("articles").page_size)
    page = pagecache.page_of(request, paginator)
    context |= {"page_of_articles": page, "articles": page.object_list, "total": paginator.count, "query": query}
    return keep_apart(render(request, template, context), Viewer.of(request))


def _words(request: HttpRequest) -> str:
    return request.GET.get("q", "").replace("\0", "").strip()[:QUERY_MAX]


@require_safe
@limited(SEARCHES, counts=lambda request: bool(_words(request)))
def search(request: HttpRequest) -> HttpResponse:
    words = _words(request)
    found = search_articles(words, Viewer.of(request), _only_language())
    return _listing(request, "articles/search.html", found, urlencode({"q": words}) + "&", words=words)


@require_safe
def tag(request: HttpRequest, slug: str) -> HttpResponse:
    """404 unless the viewer may see an article with this tag: a tag's name can itself be telling."""
    found = _of_language(Article.objects.newest(Viewer.of(request)).filter(tagged_items__tag__slug=slug))
    if not found.exists():
        raise Http404
    return _listing(request, "articles/tag.html", found, tag=Tag.objects.get(slug=slug))


@require_safe
def author(request: HttpRequest, slug: str) -> HttpResponse:
    """404 unless the viewer may see an article by this author."""
    person = get_object_or_404(Author, slug=slug)
    found = _of_language(Article.objects.newest(Viewer.of(request)).filter(authors=person))
    if not found.exists():
        raise Http404
    return _listing(request, "articles/author.html", found, author=person)


@require_safe
def sitemap(request: HttpRequest) -> HttpResponse:
    """What everybody may read, whoever asks."""
    public = (
        Article.objects.live().filter(visibility=Visibility.PUBLIC).order_by("-published_at").select_related("locale")
    )
    others = Page.objects.live().public().not_exact_type(Article).filter(depth__gt=1).order_by("path")
    entries = [(page.full_url, page.last_published_at) for page in [*others.specific(), *public][:SITEMAP_MAX]]
    return render(
        request, "articles/sitemap.xml", {"entries": [e for e in entries if e[0]]}, content_type="application/xml"
    )


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    lines = [
        "User-agent: *",
        "Disallow: /admin/",
        "Disallow: /search/",
        f"Sitemap: {this_site.absolute('/sitemap.xml')}",
        "",
    ]
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")


def _only_language() -> str | None:
    """The language to keep to when a site has several; None when there is no choice."""
    return get_language() if len(this_site.current().languages) > 1 else None


def _of_language(articles: Any) -> Any:
    language = _only_language()
    return articles.filter(locale__language_code=language) if language else articles
