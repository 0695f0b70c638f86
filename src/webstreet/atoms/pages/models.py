"""The page that stays."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel
from wagtail.models import Page

from webstreet.engine import site as this_site
from webstreet.engine.addresses import refuse_reserved
from webstreet.engine.theme.blocks import BodyField


class StandardPage(Page):
    """A title and a body."""

    body = BodyField(verbose_name=_("Text"), blank=True)

    content_panels = [*Page.content_panels, FieldPanel("body")]
    template = "pages/page.html"

    class Meta:
        verbose_name = _("Page")
        verbose_name_plural = _("Pages")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.show_in_menus_default = this_site.parameters("pages").show_in_menu
        super().__init__(*args, **kwargs)

    @classmethod
    def can_create_at(cls, parent: Page) -> bool:
        """Not beside the homes, where it would be at no address."""
        return bool(super().can_create_at(parent)) and not parent.is_root()

    def get_view_restrictions(self) -> Any:
        return this_site.restrictions_of(super().get_view_restrictions)

    def get_url_parts(self, request: HttpRequest | None = None) -> Any:
        return this_site.public_parts(super().get_url_parts(request))

    def clean(self) -> None:
        super().clean()
        refuse_reserved(self.slug)
