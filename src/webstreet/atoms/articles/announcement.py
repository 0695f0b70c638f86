"""An article as it travels: sanitised HTML with absolute addresses, for feeds and mails."""

from __future__ import annotations

import uuid as uuids

from django.template.loader import render_to_string
from django.utils.html import format_html
from wagtail.rich_text import expand_db_html

from webstreet.atoms.articles.models import Article
from webstreet.engine import site as this_site
from webstreet.engine.announcements import Announcement

TAGS = {
    "a", "b", "blockquote", "br", "cite", "code", "del", "em", "figcaption", "figure", "h2", "h3", "h4", "hr", "i", "img", "li", "ol", "p",
    "pre", "s", "strong", "sub", "sup", "ul",
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "hreflang"}, "img": {"src", "alt", "width", "height"}, "blockquote": {"cite"}}
MAIL_IMAGE = "width-1200|format-jpeg"


def announcement_of(uuid: uuids.UUID) -> Announcement | None:
    """What a mail about the article says; None if there is no such article or it is not live and public now."""
    article = Article.objects.filter(uuid=uuid).select_related("cover", "locale").first()
    if article is None or not article.is_public or article.published_at is None:
        return None
    return Announcement(
        uuid=article.uuid,
        title=article.title,
        url=article.full_url,
        excerpt=article.excerpt,
        body_html=body_html(article),
        language=article.language,
        cover_url=this_site.absolute(article.cover.get_rendition(MAIL_IMAGE).url) if article.cover else "",
        published_at=article.published_at,
        author=article.author_names,
        intro=str(article.intro).strip(),
    )


def body_html(article: Article) -> str:
    """The body without anything that only works on the site."""
    parts = []
    for block in article.body:
        if block.block_type == "text":
            parts.append(expand_db_html(block.value.source))
        elif block.block_type == "image" and block.value.get("image"):
            parts.append(_picture(block.value))
        elif block.block_type in ("quote", "code"):
            parts.append(render_to_string(f"theme/blocks/{block.block_type}.html", {"value": block.value}))
    return clean("\n".join(parts))


def clean(markup: str) -> str:
    """Sanitised, with addresses made absolute against the site's base URL."""
    import nh3  # here: loaded in a millisecond, and 1.5 MB that a process without announcements can do without

    def absolute(tag: str, attribute: str, value: str) -> str:
        return this_site.absolute(value) if attribute in ("href", "src") and value.startswith("/") else value

    cleaned: str = nh3.clean(
        markup,
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=absolute,
        url_schemes={"http", "https", "mailto"},
        link_rel=None,
    )
    return cleaned


def _picture(value: dict[str, object]) -> str:
    image = value["image"]
    rendition = image.get_rendition(MAIL_IMAGE)  # type: ignore[attr-defined]
    alt = getattr(image, "contextual_alt_text", None) or ""
    picture = format_html(
        '<img src="{}" alt="{}" width="{}" height="{}">', rendition.url, alt, rendition.width, rendition.height
    )
    caption = value.get("caption")
    return format_html(
        "<figure>{}{}</figure>", picture, format_html("<figcaption>{}</figcaption>", caption) if caption else ""
    )
