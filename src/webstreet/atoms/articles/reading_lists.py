"""Reading lists: articles in an order that an editor chose, with a title, an introduction and an address of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from modelcluster.fields import ParentalKey
from wagtail.admin.panels import FieldPanel, InlinePanel
from wagtail.models import Orderable, Page

from webstreet.atoms.articles.visibility import Viewer, keep_apart
from webstreet.engine import site as this_site
from webstreet.engine.addresses import refuse_reserved

if TYPE_CHECKING:
    from webstreet.atoms.articles.models import Article


class ReadingList(Page):
    """A list says nothing of its own about who may read an article: each reader is shown those that he may find anyway."""

    intro = models.TextField(
        _("Introduction"), blank=True, max_length=500, help_text=_("Why these articles, and for whom.")
    )

    parent_page_types = ["articles.ArticleIndex"]
    subpage_types: list[str] = []
    private_page_options: list[str] = []
    template = "articles/reading_list.html"
    show_in_menus_default = False

    content_panels = [
        *Page.content_panels,
        FieldPanel("intro"),
        InlinePanel("entries", heading=_("Articles, in the order of reading"), label=_("Article"), min_num=1),
    ]

    class Meta:
        verbose_name = _("Reading list")
        verbose_name_plural = _("Reading lists")

    def get_url_parts(self, request: HttpRequest | None = None) -> Any:
        return this_site.public_parts(super().get_url_parts(request))

    def clean(self) -> None:
        super().clean()
        refuse_reserved(self.slug)

    def articles(self, viewer: Viewer) -> list[Article]:
        """Those that ``viewer`` may find, in the list's order, each once."""
        from webstreet.atoms.articles.models import Article

        keys = dict.fromkeys(entry.article_id for entry in self.entries.all())
        found = Article.objects.newest(viewer).in_bulk(list(keys))
        return [found[key] for key in keys if key in found]

    def serve(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().serve(request, *args, **kwargs)
        return keep_apart(response, Viewer.of(request))

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(request, *args, **kwargs)
        return {
            **context,
            "articles": self.articles(Viewer.of(request)),
            "parameters": this_site.parameters("articles"),
        }


class ReadingListEntry(Orderable):
    """One article's place in a list."""

    page = ParentalKey(ReadingList, related_name="entries", on_delete=models.CASCADE)
    article = models.ForeignKey(
        "articles.Article", verbose_name=_("Article"), related_name="+", on_delete=models.CASCADE
    )

    panels = [FieldPanel("article")]

    class Meta(Orderable.Meta):
        verbose_name = _("Article")


def lists_with(article: Article) -> Any:
    """The lists that everybody may read and that hold ``article``, by title."""
    return ReadingList.objects.live().public().filter(entries__article_id=article.pk).distinct().order_by("title", "pk")
