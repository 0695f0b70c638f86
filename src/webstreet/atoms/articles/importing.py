"""Articles from elsewhere. The key is source and external id; what an editor changed since the last import stays as it is."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import nh3
from django.utils.text import slugify
from wagtail.models import Page
from wagtail.rich_text import RichText

from webstreet.atoms.articles.folding import fold
from webstreet.atoms.articles.models import Article, ArticleIndex, Author, reserved_slugs
from webstreet.atoms.articles.visibility import Visibility
from webstreet.engine import announcements
from webstreet.engine import site as this_site

if TYPE_CHECKING:
    from webstreet.engine.imports import ArticleRecord, ImportContext

KIND = "articles"
INLINE_TAGS = {"a", "b", "strong", "i", "em", "code"}
TITLE_MAX, SLUG_MAX = 255, 80
UNTITLED = "…"
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
    normal = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    parts = [p.strip() for p in _BLANK_LINES.split(normal) if p.strip()]
    cleaned = (nh3.clean(p, tags=INLINE_TAGS, attributes={"a": {"href"}}, link_rel=None) for p in parts)
    return "".join(f"<p>{p.replace(chr(10), '<br/>')}</p>" for p in cleaned)


def digest_of(record: ArticleRecord) -> str:
    """What the source says of the article, so that the same again changes nothing. Not its date: a source without one gives today's."""
    parts = [record.title, record.body, record.status]
    if record.blocks is not None:
        more = [record.blocks, record.slug, record.intro, record.authors, record.tags, record.cover, record.cover_alt]
        when = "" if record.status == "draft" else record.published_at.isoformat()
        parts.append(json.dumps([*more, when], ensure_ascii=False))
    return _digest(parts)


def state_of(article: Article) -> str:
    """What an editor could have changed."""
    body = json.dumps(article.body.get_prep_value(), sort_keys=True, ensure_ascii=False)
    # Block ids are made on saving; they say nothing about the text.
    body = re.sub(r'"id": "[0-9a-f-]{36}"', "", body)
    tags = sorted(tag.name for tag in article.tags.all())
    parts = [
        article.title,
        article.slug,
        body,
        article.visibility,
        article.live,
        article.intro,
        article.published_at,
        article.cover_id,
        tags,
    ]
    return _digest([str(part) for part in parts])


def _changed_here(article: Article) -> bool:
    return bool(article.has_unpublished_changes and article.live) or article.import_state != state_of(article)


def _create(record: ArticleRecord, ctx: ImportContext, home: ArticleIndex) -> Article:
    article = Article(source=ctx.source, external_id=record.external_id, locale=home.locale)
    _fill(article, record)
    article.slug = _free_slug(record.slug or article.title, home)
    if record.slug and article.slug != record.slug:
        ctx.lost(record.line, f'its address "{record.slug[:SLUG_MAX]}" became "{article.slug}"', article.title)
    home.add_child(instance=article)
    return _remember(article, record)


def _update(article: Article, record: ArticleRecord) -> None:
    _fill(article, record)
    article.save()
    _remember(article, record)


def _fill(article: Article, record: ArticleRecord) -> None:
    title = " ".join(record.title.split())[:TITLE_MAX] or UNTITLED
    article.title = article.draft_title = title
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
        article.body = json.dumps([{"type": kind, "value": value} for kind, value in record.blocks])  # type: ignore[assignment]
        article.intro = record.intro
        article.cover_id, article.cover_alt = record.cover, record.cover_alt
        article.authors = [_author(slug, name) for slug, name in record.authors]
        article.tags.set(record.tags)
    article.announcement_suppressed = True


def _author(slug: str, name: str) -> Author:
    found: Author = Author.objects.get_or_create(slug=slug[:120], defaults={"name": name[:120]})[0]
    return found


def _remember(article: Article, record: ArticleRecord) -> Article:
    """Give the article a revision for the editor's history, then note what was imported and what came of it.

    One revision, however often the import is repeated: the last one is written over while nobody has edited the article.
    """
    last = article.latest_revision
    ours = last if last is not None and last.user_id is None else None
    # The plain one: `LiveRevision` would keep what is live, which is what is written here, a second time.
    revision = Page.save_revision(
        article,
        changed=False,
        clean=False,
        overwrite_revision=ours,
        approved_go_live_at=record.published_at if record.status == "scheduled" else None,
    )
    if article.live and article.visibility == Visibility.ARCHIVED:
        # It was read before it was archived: bringing it back is no news.
        announcements.became_public(article.uuid, suppressed=True)
    stored: Article = Article.objects.get(pk=article.pk)
    stored.import_record, stored.import_state = digest_of(record), state_of(stored)
    Article.objects.filter(pk=stored.pk).update(
        import_record=stored.import_record,
        import_state=stored.import_state,
        live_revision=revision if stored.live else None,
        has_unpublished_changes=not stored.live,
    )
    return stored


def _free_slug(text: str, home: ArticleIndex) -> str:
    wanted = slugify(fold(text))[:SLUG_MAX].strip("-") or "article"
    if wanted in reserved_slugs():
        wanted += "-1"
    taken = set(home.get_children().filter(slug__startswith=wanted).values_list("slug", flat=True))
    number, slug = 1, wanted
    while slug in taken:
        number += 1
        slug = f"{wanted}-{number}"
    return slug


def _home(language: str) -> ArticleIndex:
    """The home page that articles go below: that of the source's language where the site has it, else the first."""
    root = this_site.home_page().specific
    home = root if isinstance(root, ArticleIndex) else ArticleIndex.objects.live().order_by("depth").first()
    if not language or home.locale.language_code == language:
        return home
    return home.get_translations().filter(locale__language_code=language).first() or home


def _digest(parts: list[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
