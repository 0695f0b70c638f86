"""Articles from elsewhere. The key is source and external id; what an editor changed since the last import stays as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.utils.text import slugify
from wagtail.rich_text import RichText

from webstreet.atoms.articles.folding import fold
from webstreet.atoms.articles.models import Article, ArticleIndex, Author
from webstreet.atoms.articles.visibility import Visibility
from webstreet.engine import announcements
from webstreet.engine import site as this_site
from webstreet.engine.imports import pages

if TYPE_CHECKING:
    from webstreet.engine.imports import ArticleRecord, ImportContext

KIND = "articles"
INLINE_TAGS = {"a", "b", "strong", "i", "em", "code"}
_BLANK_LINES = re.compile(r"\n\s*\n")


def take(records: Iterable[ArticleRecord], ctx: ImportContext) -> None:
    """Make or change one article for each record, tell ``ctx`` which it was. No article is announced, whatever its status."""
    home = _home(ctx.language)
    for record in records:
        article = Article.objects.filter(source=ctx.source, external_id=record.external_id).first()
        if article is None:
            article = _create(record, ctx, home)
            ctx.created(KIND)
        elif _changed_here(article) or article.import_record == digest_of(record):
            ctx.unchanged(KIND)
        else:
            _update(article, record)
            ctx.updated(KIND)
        ctx.taken(record.external_id, article.pk)


def paragraphs(text: str) -> str:
    """Plain text as sanitised paragraphs: an empty line ends one, a single line break stays a line break."""
    import nh3  # here, as in `announcement.clean`

    normal = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    parts = [p.strip() for p in _BLANK_LINES.split(normal) if p.strip()]
    cleaned = (nh3.clean(p, tags=INLINE_TAGS, attributes={"a": {"href"}}, link_rel=None) for p in parts)
    return "".join(f"<p>{p.replace(chr(10), '<br/>')}</p>" for p in cleaned)


def digest_of(record: ArticleRecord) -> str:
    """What the source says of the article, so that the same again changes nothing. Not its date: a source without one gives today's."""
    parts: list[object] = [record.title, record.body, record.status]
    if record.blocks is not None:
        parts += [record.blocks, record.slug, record.intro, record.authors, record.tags, record.cover, record.cover_alt]
        parts.append("" if record.status == "draft" else record.published_at)
    return pages.digest(parts)


def state_of(article: Article) -> str:
    """What an editor could have changed."""
    tags = sorted(tag.name for tag in article.tags.all())
    return pages.digest([
        article.title, article.slug, pages.body_state(article.body), article.visibility, article.live, article.intro,
        article.published_at, article.cover_id, tags,
    ])  # fmt: skip


def _changed_here(article: Article) -> bool:
    return bool(article.has_unpublished_changes and article.live) or article.import_state != state_of(article)


def _create(record: ArticleRecord, ctx: ImportContext, home: ArticleIndex) -> Article:
    article = Article(source=ctx.source, external_id=record.external_id, locale=home.locale)
    _fill(article, record)
    pages.give_slug(article, slugify(fold(record.slug or article.title)) or "article", record, home, ctx)
    home.add_child(instance=article)
    return _remember(article, record)


def _update(article: Article, record: ArticleRecord) -> None:
    _fill(article, record)
    article.save()
    _remember(article, record)


def _fill(article: Article, record: ArticleRecord) -> None:
    article.title = article.draft_title = pages.title_of(record)
    article.live = record.status not in ("draft", "scheduled")
    article.has_unpublished_changes = not article.live
    article.visibility = record.status if record.status in Visibility.values else Visibility.PUBLIC
    article.published_at = record.published_at
    article.go_live_at = record.published_at if record.status == "scheduled" else None
    if article.live:
        article.first_published_at = article.first_published_at or record.published_at
        article.last_published_at = record.published_at
    if record.blocks is None:
        article.body = [("text", RichText(paragraphs(record.body)))]  # type: ignore[assignment]
    else:
        article.body = pages.raw_body(record)  # type: ignore[assignment]
        article.intro = record.intro
        article.cover_id, article.cover_alt = record.cover, record.cover_alt
        article.authors = [_author(slug, name) for slug, name in record.authors]
        article.tags.set(record.tags)
    article.announcement_suppressed = True


def _author(slug: str, name: str) -> Author:
    found: Author = Author.objects.get_or_create(slug=slug[:120], defaults={"name": name[:120]})[0]
    return found


def _remember(article: Article, record: ArticleRecord) -> Article:
    """Note what was imported and what came of it."""
    pages.keep_revision(article, record.published_at if record.status == "scheduled" else None)
    if article.live and article.visibility == Visibility.ARCHIVED:
        # It was read before it was archived: bringing it back is no news.
        announcements.became_public(article.uuid, suppressed=True)
    stored: Article = Article.objects.get(pk=article.pk)
    stored.import_record, stored.import_state = digest_of(record), state_of(stored)
    Article.objects.filter(pk=stored.pk).update(import_record=stored.import_record, import_state=stored.import_state)
    return stored


def _home(language: str) -> ArticleIndex:
    """The home page that articles go below: that of the source's language where the site has it, else the first."""
    root = this_site.home_page().specific
    home = root if isinstance(root, ArticleIndex) else ArticleIndex.objects.live().order_by("depth").first()
    found: ArticleIndex = pages.in_language(home, language)
    return found
