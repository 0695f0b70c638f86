"""What the article templates need beside Django's and Wagtail's tags."""

from __future__ import annotations

from django import template
from django.conf import settings
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, get_language_info
from wagtail.models import Page

from webstreet.atoms.articles import linked_data
from webstreet.atoms.articles.folding import shortened
from webstreet.atoms.articles.models import Article
from webstreet.engine import site as this_site
from webstreet.engine.theme import pictures

register = template.Library()

register.filter("shortened", shortened)


@register.simple_tag
def cover(article: Article, sizes: str, alt: str) -> SafeString:
    """The cover, which stands on top of what shows it."""
    return pictures.picture(article.cover, sizes=sizes, alt=alt, first=True) if article.cover else SafeString("")


register.simple_tag(linked_data.of_home, name="linked_data_of_home")
register.simple_tag(linked_data.of_article, name="linked_data_of_article")
register.simple_tag(linked_data.of_list, name="linked_data_of_list")


@register.filter
def language_name(code: str) -> str:
    """A language's name as it stands within a sentence of this page's language: only English writes it with a capital."""
    name = str(get_language_info(code)["name_translated"])
    return name if (get_language() or "en").startswith("en") else name.lower()


@register.simple_tag
def open_graph(article: Article) -> SafeString:
    """Description and OpenGraph (ogp.me) of a public article."""
    described = article.search_description or article.excerpt
    pairs = [
        ("og:type", "article"),
        ("og:title", article.title),
        ("og:description", described),
        ("og:url", article.full_url),
        ("og:site_name", this_site.current().title),
        ("article:published_time", article.published_at.isoformat() if article.published_at else ""),
    ]
    if article.cover is not None:
        image = article.cover.get_rendition(linked_data.SHARED_IMAGE)
        pairs += [
            ("og:image", this_site.absolute(image.url)),
            ("og:image:width", str(image.width)),
            ("og:image:height", str(image.height)),
            ("og:image:alt", article.cover_description),
        ]
    tags = format_html_join("\n", '<meta property="{}" content="{}">', [pair for pair in pairs if pair[1]])
    return format_html('<meta name="description" content="{}">\n{}', described, tags)


@register.simple_tag
def language_links(page: Page) -> SafeString:
    """hreflang links to the translations that everybody may read."""
    if len(settings.LANGUAGES) < 2:
        return SafeString("")
    translations = [t for t in page.get_translations(inclusive=True).live().specific() if getattr(t, "is_public", True)]
    if len(translations) < 2:
        return SafeString("")
    links = [(t.locale.language_code, t.full_url) for t in translations]
    return format_html_join("\n", '<link rel="alternate" hreflang="{}" href="{}">', links)
