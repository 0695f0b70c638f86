"""The links that editors put into the menu."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel
from wagtail.models import Orderable, Page, TranslatableMixin

from webstreet.engine.addresses import AddressField

LABEL_MAX = 60


class MenuLink(TranslatableMixin, Orderable):  # type: ignore[misc]
    """An entry of the menu in one language: to a page of the site, which gives its title where there is no label, or to an address."""

    label = models.CharField(
        _("Label"), max_length=LABEL_MAX, blank=True, help_text=_("Left empty, it is the page’s title.")
    )
    page = models.ForeignKey(
        Page,
        verbose_name=_("Page"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text=_("Shown as long as everybody may read the page."),
    )
    url = AddressField(
        _("Address"),
        max_length=500,
        blank=True,
        help_text=_("Instead of a page: a path of this site (/about/), or a whole address."),
    )

    panels = [FieldPanel("label"), FieldPanel("page"), FieldPanel("url")]

    class Meta(TranslatableMixin.Meta, Orderable.Meta):
        verbose_name = _("Menu link")
        verbose_name_plural = _("Menu links")

    def __str__(self) -> str:
        return self.label or (self.page.title if self.page is not None else self.url)

    def clean(self) -> None:
        super().clean()
        if bool(self.page_id) == bool(self.url):
            raise ValidationError(gettext("Give either a page or an address."))
        if self.url and not self.label:
            raise ValidationError({"label": gettext("A link to an address needs a label.")})
