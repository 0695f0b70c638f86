"""The pages and the people of a publication."""

from __future__ import annotations

import uuid as uuids
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.db import models, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.text import slugify
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from modelcluster.contrib.taggit import ClusterTaggableManager
from modelcluster.fields import ParentalKey, ParentalManyToManyField
from taggit.models import TaggedItemBase
from wagtail.admin.panels import FieldPanel, MultiFieldPanel
from wagtail.images import get_image_model_string
from wagtail.models import Page
from wagtail.snippets.models import register_snippet
from wagtail.url_routing import RouteResult

from webstreet.atoms.articles.folding import fold, plain, shortened
from webstreet.atoms.articles.reading_lists import ReadingList, ReadingListEntry, lists_with
from webstreet.atoms.articles.revisions import LiveRevision
from webstreet.atoms.articles.visibility import Viewer, Visibility, keep_apart
from webstreet.engine import announcements, pagecache
from webstreet.engine import site as this_site
from webstreet.engine.addresses import refuse_reserved, reserved_slugs
from webstreet.engine.errors import gone
from webstreet.engine.pagecache.memo import remembered
from webstreet.engine.theme.blocks import BodyField

__all__ = [
    "Article",
    "ArticleIndex",
    "ArticleTag",
    "Author",
    "ReadingList",
    "ReadingListEntry",
    "Removed",
    "reserved_slugs",
]

WORDS_A_MINUTE = 220
NOT_IN_LISTS = (
    *(
        "draft_title",
        "seo_title",
        "search_description",
        "expire_at",
        "go_live_at",
        "latest_revision",
        "latest_revision_created_at",
    ),
    *("locked_at", "locked_by", "owner", "translation_key", "alias_of", "search_title", "search_text", "cover_caption"),
    *("source", "external_id", "import_record", "import_state"),
)
"""What no list shows: half the time of reading a row."""
EXCERPT_WORDS = 40
KEPT_OUT_OF_REVISIONS = ("uuid", "source", "external_id", "import_record", "import_state")
"""What a revision must not bring back: it belongs to the article, not to one state of its text."""


@register_snippet
class Author(models.Model):
    """Someone who signs articles; not a user of the admin."""

    name = models.CharField(_("Name"), max_length=120)
    slug = models.SlugField(
        _("Address"), max_length=120, unique=True, help_text=_("The end of the author page’s address.")
    )
    bio = models.TextField(_("About the author"), blank=True, max_length=600)
    photo = models.ForeignKey(
        get_image_model_string(),
        verbose_name=_("Photo"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    panels = [FieldPanel("name"), FieldPanel("slug"), FieldPanel("bio"), FieldPanel("photo")]

    class Meta:
        verbose_name = _("Author")
        verbose_name_plural = _("Authors")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("articles-author", args=[self.slug])


class ArticleIndex(LiveRevision, Page):
    """The home page: one lead article and a calm list, newest first."""

    intro = models.TextField(
        _("Introduction"), blank=True, max_length=400, help_text=_("One or two sentences about the site.")
    )

    content_panels = [*Page.content_panels, FieldPanel("intro")]
    parent_page_types = ["wagtailcore.Page"]
    """Directly below the tree's root, and nowhere below another home: `starter` makes one for each language."""
    private_page_options: list[str] = []
    template = "articles/index.html"

    class Meta:
        verbose_name = _("Home with articles")
        verbose_name_plural = _("Homes with articles")

    @classmethod
    def can_create_at(cls, parent: Page) -> bool:
        """`prepare` makes one for each language; another would be at no address."""
        return bool(super().can_create_at(parent)) and cls.objects.count() < len(settings.LANGUAGES)

    def get_admin_display_title(self) -> str:
        """With its language where there are several: all homes have the site's title."""
        title = str(super().get_admin_display_title())
        return f"{title} ({self.locale.get_display_name()})" if len(settings.LANGUAGES) > 1 else title

    def get_url_parts(self, request: HttpRequest | None = None) -> Any:
        return this_site.public_parts(super().get_url_parts(request))

    def route(self, request: HttpRequest, path_components: list[str]) -> RouteResult:
        """A page below; the fact that there was one, for an article that was public until it was deleted; or 404."""
        try:
            return super().route(request, path_components)
        except Http404:
            if (
                len(path_components) == 1
                and Removed.objects.filter(parent_key=self.translation_key, slug=path_components[0]).exists()
            ):
                return RouteResult(self, kwargs={"removed": True})
            raise

    def get_view_restrictions(self) -> Any:
        return this_site.restrictions_of(super().get_view_restrictions)

    def serve(self, request: HttpRequest, removed: bool = False) -> HttpResponse:
        if removed:
            return gone(request)
        response: HttpResponse = super().serve(request)
        return keep_apart(response, Viewer.of(request))

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(request, *args, **kwargs)
        listed = Article.objects.child_of(self).newest(Viewer.of(request))
        paginator = Paginator(listed, this_site.parameters("articles").page_size)
        page = pagecache.page_of(request, paginator)
        articles = list(page.object_list)
        lead = articles.pop(0) if page.number == 1 and articles else None
        return {
            **context,
            "articles": articles,
            "lead": lead,
            "page_of_articles": page,
            "parameters": this_site.parameters("articles"),
            "elsewhere": None if articles or lead else self.elsewhere(Viewer.of(request)),
        }

    def elsewhere(self, viewer: Viewer) -> ArticleIndex | None:
        """The home page in another language that has something to read for ``viewer``."""
        for other in self.get_translations().live().filter(locale__language_code__in=dict(settings.LANGUAGES)):
            if Article.objects.child_of(other).newest(viewer).exists():
                return other  # type: ignore[no-any-return]
        return None


class ArticleQuerySet(Page.objects.get_queryset().__class__):  # type: ignore[misc]
    """Articles as viewers may find them."""

    def visible_to(self, viewer: Viewer) -> ArticleQuerySet:
        return self.live().filter(visibility__in=viewer.sees)

    def newest(self, viewer: Viewer) -> ArticleQuerySet:
        """Those that lists show ``viewer``, newest first, with what a list needs of each."""
        found = self.live().filter(visibility__in=viewer.listed)
        return found.order_by("-published_at", "-pk").select_related("cover", "locale").defer(*NOT_IN_LISTS)


class ArticleTag(TaggedItemBase):
    content_object = ParentalKey("articles.Article", related_name="tagged_items", on_delete=models.CASCADE)


class Article(LiveRevision, Page):
    """One article.

    Attributes:
        uuid: its name in other atoms; never copied, never brought back by a revision.
        published_at: the date shown; set when the article first goes live, kept by imports, editable.
        search_title, search_text: folded text that search compares with.
        source, external_id: where it was imported from; import_record and import_state are digests of what was imported last
            and of the article as the import left it.
    """

    uuid = models.UUIDField(default=uuids.uuid4, unique=True, editable=False)
    visibility = models.CharField(
        _("Who may read it"), max_length=8, choices=Visibility.choices, default=Visibility.PUBLIC
    )
    published_at = models.DateTimeField(
        _("Publication date"),
        null=True,
        blank=True,
        db_index=True,
        help_text=_("Left empty, it is the moment of publication."),
    )
    intro = models.TextField(
        _("Introduction"), blank=True, max_length=500, help_text=_("Shown in lists, feeds, mails and search engines.")
    )
    cover = models.ForeignKey(
        get_image_model_string(),
        verbose_name=_("Cover image"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    cover_alt = models.CharField(
        _("What the image shows"),
        blank=True,
        max_length=250,
        help_text=_("For those who do not see it. Left empty: decoration."),
    )
    cover_caption = models.CharField(_("Caption"), blank=True, max_length=250)
    body = BodyField(verbose_name=_("Text"), blank=True)
    authors = ParentalManyToManyField(Author, verbose_name=_("Authors"), blank=True, related_name="articles")
    tags = ClusterTaggableManager(verbose_name=_("Tags"), through=ArticleTag, blank=True)
    reading_minutes = models.PositiveSmallIntegerField(default=1, editable=False)
    search_title = models.CharField(max_length=600, blank=True, editable=False)
    search_text = models.TextField(blank=True, editable=False)
    source = models.CharField(max_length=50, blank=True, editable=False)
    external_id = models.CharField(max_length=100, null=True, blank=True, editable=False)
    import_record = models.CharField(max_length=64, blank=True, editable=False)
    import_state = models.CharField(max_length=64, blank=True, editable=False)

    objects = Page.objects.__class__.from_queryset(ArticleQuerySet)()

    announcement_suppressed = False
    """Set on an object by an import: what it makes public is known, and nobody is told."""

    parent_page_types = ["articles.ArticleIndex"]
    subpage_types: list[str] = []
    private_page_options: list[str] = []
    exclude_fields_in_copy = [*KEPT_OUT_OF_REVISIONS, "published_at"]
    template = "articles/article.html"
    show_in_menus_default = False

    content_panels = [
        *Page.content_panels,
        FieldPanel("visibility"),
        FieldPanel("intro"),
        MultiFieldPanel(
            [FieldPanel("cover"), FieldPanel("cover_alt"), FieldPanel("cover_caption")], heading=_("Cover image")
        ),
        FieldPanel("body"),
        MultiFieldPanel(
            [FieldPanel("authors"), FieldPanel("tags"), FieldPanel("published_at")], heading=_("About this article")
        ),
    ]

    class Meta:
        verbose_name = _("Article")
        verbose_name_plural = _("Articles")
        unique_together = [("source", "external_id")]

    # -- Visibility --------------------------------------------------------------------------------------------------
    @property
    def is_public(self) -> bool:
        return bool(self.live and self.visibility == Visibility.PUBLIC)

    def visible_to(self, viewer: Viewer) -> bool:
        return bool(self.live and self.visibility in viewer.sees)

    def may_be_read(self, request: HttpRequest) -> bool:
        return self.visible_to(Viewer.of(request))

    def get_url_parts(self, request: HttpRequest | None = None) -> Any:
        return this_site.public_parts(super().get_url_parts(request))

    def get_view_restrictions(self) -> Any:
        return this_site.restrictions_of(super().get_view_restrictions)

    def serve(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The page, or 404: a reader who may not see an article is not told that there is one."""
        viewer = Viewer.of(request)
        if not self.visible_to(viewer):
            raise Http404
        response: HttpResponse = super().serve(request, *args, **kwargs)
        return keep_apart(response, viewer)

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(request, *args, **kwargs)
        viewer = Viewer.of(request)
        return {
            **context,
            "article": self,
            "around": self._around(request, viewer),
            "part_of": lists_with(self),
            "parameters": this_site.parameters("articles"),
            "alternates": self._public_translations(),
        }

    def _around(self, request: HttpRequest, viewer: Viewer) -> str:
        """What leads from here to other articles: for anonymous readers the same until something changes."""

        def make() -> str:
            newer, older = self.neighbours(viewer)
            found = {"newer": newer, "older": older, "related": self.related(viewer), "request": request}
            return render_to_string("articles/includes/around.html", found)

        if viewer is not Viewer.ANONYMOUS or getattr(request, "is_preview", False):
            return make()
        return remembered(f"around:{self.pk}:{get_language()}", make)

    def _public_translations(self) -> list[Article]:
        if not self.is_public or len(settings.LANGUAGES) < 2:
            return []
        return [found for found in self.get_translations().live() if found.is_public]

    @cached_property
    def shown_tags(self) -> list[Any]:
        """Read once for a page, which shows them in several places."""
        return list(self.tags.all())

    @cached_property
    def shown_authors(self) -> list[Author]:
        return list(self.authors.all())

    def neighbours(self, viewer: Viewer) -> tuple[Article | None, Article | None]:
        """The listed articles just after and just before this one in time."""
        if self.published_at is None or self.pk is None:
            return None, None
        listed = (
            Article.objects.live().filter(visibility__in=viewer.listed, locale_id=self.locale_id).exclude(pk=self.pk)
        )
        key, same = self.published_at, models.Q(published_at=self.published_at)
        newer = listed.filter(models.Q(published_at__gt=key) | same & models.Q(pk__gt=self.pk)).order_by(
            "published_at", "pk"
        )
        older = listed.filter(models.Q(published_at__lt=key) | same & models.Q(pk__lt=self.pk)).order_by(
            "-published_at", "-pk"
        )
        newer, older = (found.defer("search_text").defer_streamfields() for found in (newer, older))
        return newer.first(), older.first()

    def related(self, viewer: Viewer) -> list[Article]:
        """Listed articles in this one's language that share a tag with it: those with most tags in common first, then the newest."""
        wanted = this_site.parameters("articles").related
        tags = [tag.pk for tag in self.shown_tags]
        if not wanted or not tags:
            return []
        found = Article.objects.live().filter(visibility__in=viewer.listed, locale_id=self.locale_id)
        shared = models.Count("tagged_items", filter=models.Q(tagged_items__tag__in=tags), distinct=True)
        same = found.filter(tagged_items__tag__in=tags).exclude(pk=self.pk).annotate(shared=shared)
        return list(same.order_by("-shared", "-published_at", "-pk").defer("search_text").defer_streamfields()[:wanted])

    # -- Saving ------------------------------------------------------------------------------------------------------
    def clean(self) -> None:
        super().clean()
        refuse_reserved(self.slug)

    def full_clean(self, *args: Any, **kwargs: Any) -> None:
        if not getattr(self, "slug", "") and self.title:
            # An address that can be read aloud and typed: Wagtail would keep the accents.
            self.slug = self._get_autogenerated_slug(slugify(fold(self.title))[:80].strip("-") or "article")
        super().full_clean(*args, **kwargs)

    def with_content_json(self, content: dict[str, Any]) -> Article:
        restored: Article = super().with_content_json(content)
        for name in KEPT_OUT_OF_REVISIONS:
            setattr(restored, name, getattr(self, name))
        if restored.published_at is None:
            restored.published_at = self.published_at
        return restored

    def save(self, *args: Any, **kwargs: Any) -> Any:
        """Store it, and in the same transaction the fact that it is public for the first time.

        The database is asked whether it is: a draft of a live article is saved with a few fields of an object that already
        carries the draft's visibility.
        """
        if self.live and self.published_at is None:
            self.published_at = timezone.now()
        self._derive()
        with transaction.atomic():
            result = super().save(*args, **kwargs)
            if Article.objects.filter(pk=self.pk, live=True, visibility=Visibility.PUBLIC).exists():
                announcements.became_public(
                    self.uuid, suppressed=self.announcement_suppressed, go_live_at=self.go_live_at
                )
        return result

    def _derive(self) -> None:
        text = self.body_text
        self.reading_minutes = max(1, round(len(text.split()) / WORDS_A_MINUTE))
        people = " ".join(author.name for author in self.authors.all())
        labels = " ".join(tag.name for tag in self.tags.all())
        self.search_title = fold(self.title)[:600]
        self.search_text = fold(" ".join((self.title, self.intro, text, people, labels)))

    @property
    def body_text(self) -> str:
        """The body's words, without markup."""
        parts = []
        for block in self.body:
            if block.block_type == "text":
                parts.append(plain(str(block.value.source)))
            elif block.block_type == "quote":
                parts.append(f"{block.value['text']} {block.value['who']}")
            elif block.block_type in ("code", "image"):
                parts.append(" ".join(str(block.value.get(k) or "") for k in ("code", "caption")))
        return " ".join(parts)

    # -- What others show of it ---------------------------------------------------------------------------------------
    @property
    def excerpt(self) -> str:
        """The introduction, or the first words of the text."""
        if self.intro:
            return str(self.intro)
        return shortened(str(self.body_text), EXCERPT_WORDS)

    @property
    def cover_description(self) -> str:
        return self.cover_alt or getattr(self.cover, "description", "") or ""

    @property
    def language(self) -> str:
        return str(self.locale.language_code)

    @property
    def author_names(self) -> str:
        return ", ".join(author.name for author in self.authors.all())


class Removed(models.Model):
    """The address of an article that was public until it was deleted: answered with 410 instead of 404."""

    parent_key = models.UUIDField()
    slug = models.CharField(max_length=255)
    removed_at = models.DateTimeField(default=timezone.now)

    wagtail_reference_index_ignore = True

    class Meta:
        unique_together = [("parent_key", "slug")]

    def __str__(self) -> str:
        return self.slug
